"""The `rollcall` command."""

import sys

import typer

from automations.errors import AutomationsError
from console.commands import (
    backfill,
    deliveries,
    doctor,
    export,
    listen,
    migrate,
    psql,
    queue,
    replay,
    run,
    sample,
    secrets,
    sessions,
    timeline,
    url,
)
from console.commands.console.group import console
from console.commands.endpoints.group import endpoints
from console.commands.messages.group import messages
from console.commands.roster.group import roster
from console.commands.webhooks.group import webhooks
from console.failure import CommandFailedError
from console.screen.plain_text import plain_lines
from migrations.apply import MigrationError
from runtime.environment import SettingError
from runtime.logs import describe

app = typer.Typer(
    name="rollcall",
    help="Session timelines in your own Postgres, from Dyte and Cloudflare RealtimeKit webhooks.",
    epilog="Settings come from the environment or from the file .env; .env.example explains each.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,  # plain paragraphs, and errors on one line instead of in a box
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.command("run")(run.run)
app.command("migrate")(migrate.migrate)
app.command("url")(url.url)
app.command("psql", context_settings=psql.ARGUMENTS_PASS)(psql.psql)
app.command("sample")(sample.sample)
app.command("sessions")(sessions.sessions)
app.command("timeline")(timeline.timeline)
app.command("deliveries")(deliveries.deliveries)
app.command("replay")(replay.replay)
app.command("backfill")(backfill.backfill)
app.command("doctor")(doctor.doctor)
app.command("export")(export.export)
app.command("listen")(listen.listen)
app.add_typer(queue.queue, name="queue")
app.add_typer(endpoints, name="endpoints")
app.add_typer(messages, name="messages")
app.add_typer(roster, name="roster")
app.add_typer(console, name="console")
app.add_typer(secrets.secrets, name="secrets")
app.add_typer(webhooks, name="webhooks")


def main() -> None:
    """Run `rollcall`; the exit code is 0 on success, 1 if the command failed, 2 if it could not start.

    It could not start if its arguments or a setting are invalid, or the database does not answer.
    """
    if hasattr(sys.stdout, "reconfigure"):
        # A sign that the terminal can't show must not end a command.
        sys.stdout.reconfigure(errors="replace")
    try:
        app()
    except SettingError as error:
        typer.echo(plain_lines(str(error)), err=True)
        sys.exit(2)
    except (MigrationError, AutomationsError) as error:
        typer.echo(plain_lines(str(error)), err=True)
        sys.exit(1)
    except CommandFailedError as error:
        typer.echo(plain_lines(str(error)), err=True)
        sys.exit(error.exit_code)
    except Exception as error:  # noqa: BLE001 - Python would print its text
        typer.echo(
            f"`rollcall` failed unexpectedly: {describe(error)}. "
            "The error's text is not shown, as it may contain a password. Please report this.",
            err=True,
        )
        sys.exit(1)
