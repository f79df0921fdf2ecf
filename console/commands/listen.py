"""`rollcall listen`: a receiver of messages, for trying them out."""

import json
import sys
import threading
from datetime import datetime
from typing import Annotated

import typer

from console.commands.endpoints.secret_input import SECRET_STDIN_HELP, wanted_secret
from console.failure import CommandFailedError
from console.queries.endpoints import all_endpoints
from console.queries.tables import open_tables
from console.screen.tables import Screen, shown
from console.trials.receipt import Receipt, Trial, Verdict
from console.trials.secrets import GivenSecret, Secrets, SecretsInTables
from console.trials.server import HOST, TrialServer
from runtime.environment import read_environment
from runtime.signals import stop_on_signal

_PORT = 8090
# Characters of a message's id: `msg_` and the first part of a UUID.
_SHORT_ID = 12
_TYPE_WIDTH = 24


def listen(
    *,
    port: Annotated[int, typer.Option(min=0, max=65535, help="The port on 127.0.0.1; 0: any free one.")] = _PORT,
    fail: Annotated[
        int, typer.Option(min=0, metavar="N", help="Answer the first N messages with 500, to see them tried again.")
    ] = 0,
    full: Annotated[bool, typer.Option("--full", help="Print each message as a whole.")] = False,
    secret_stdin: Annotated[bool, typer.Option("--secret-stdin", help=SECRET_STDIN_HELP)] = False,
) -> None:
    """Receive messages on this machine, verify them, and print a line for each, until Ctrl-C.

    Add the URL that it prints with `rollcall endpoints add`. It looks up the secret of that endpoint in the database,
    so it needs no further settings. What is not signed with it is refused with 401.
    """
    secrets: Secrets = (
        GivenSecret(wanted_secret(from_stdin=True)) if secret_stdin else SecretsInTables(read_environment())
    )
    screen = Screen()
    trial = Trial(secrets, fail, lambda receipt: _print(screen, receipt, full=full))
    try:
        server = TrialServer(port, trial.take)
    except OSError as error:
        raise CommandFailedError(
            f"Port {port} on {HOST} is not available ({error.strerror}): choose another one with --port."
        ) from None
    stop = stop_on_signal()
    with server:
        threading.Thread(target=server.serve_forever, name="listen", daemon=True).start()
        url = f"http://{HOST}:{server.server_port}/"
        screen.say(f"Listening on {url} until Ctrl-C.{'' if secret_stdin else _next_step(url)}")
        sys.stdout.flush()
        stop.wait()
        server.shutdown()


def _next_step(url: str) -> str:
    with open_tables() as tables:
        is_known = any(row["url"].startswith(url) for row in all_endpoints(tables))
    return "" if is_known else f" In another terminal: rollcall endpoints add {url}"


def _print(screen: Screen, receipt: Receipt, *, full: bool) -> None:
    at = f"{datetime.now().astimezone():%H:%M:%S}"
    if receipt.body is None:
        screen.say(f"{at}  {receipt.verdict:<8}  {shown(receipt.message_id)}  {receipt.answer.value}: {receipt.why}")
    else:
        type_, message_id = str(receipt.body.get("type")), screen.id(receipt.message_id, short=_SHORT_ID)
        answered = " (answered with 500)" if receipt.verdict is Verdict.FAILED else ""
        screen.say(f"{at}  {receipt.verdict:<8}  {type_:<{_TYPE_WIDTH}}  {message_id}  {_about(receipt)}{answered}")
        if full:
            for line in json.dumps(receipt.body, ensure_ascii=False, indent=2).splitlines():
                screen.say(line)
    # Into a pipe, too, each line at once.
    sys.stdout.flush()


def _about(receipt: Receipt) -> str:
    """Return what a message is about, as far as a person would say it."""
    data = receipt.body.get("data") if receipt.body is not None else None
    if not isinstance(data, dict):
        return ""
    session, participant = data.get("session"), data.get("participant")
    parts = [
        participant.get("display_name") if isinstance(participant, dict) else None,
        (session.get("title") or session.get("id")) if isinstance(session, dict) else data.get("message"),
    ]
    return ", ".join(str(part) for part in parts if part)
