"""`rollcall secrets reencrypt`."""

import typer

from automations.managing.rotation import reencrypt as reencrypt_all
from automations.secrets import Keyring
from console.changing import open_for_changes
from console.failure import CommandFailedError
from runtime.environment import read_environment

secrets = typer.Typer(help="Keep the secrets of endpoints.", no_args_is_help=True, rich_markup_mode=None)


@secrets.callback()
def _group() -> None:
    # With one command alone, Typer would leave out the command's name.
    pass


@secrets.command("reencrypt")
def reencrypt() -> None:
    """Encrypt all endpoint secrets under the first key in SECRETS_KEY.

    To change the key: put the new one in front (SECRETS_KEY=NEW,OLD) on every machine, restart, run this, and then
    remove the old one.
    """
    with open_for_changes() as connection:
        became = reencrypt_all(connection, Keyring.from_environment(read_environment()))
    typer.echo(f"{became.moved} {'secret' if became.moved == 1 else 'secrets'} encrypted under the first key.")
    if became.unopened:
        raise CommandFailedError(
            f"No key in SECRETS_KEY opens the secrets of {', '.join(sorted(became.unopened))}: add the key that they "
            "were encrypted under and run this again, or give them new ones with `rollcall endpoints rotate`."
        )
