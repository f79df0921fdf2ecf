"""`rollcall endpoints test`."""

from http import HTTPStatus
from typing import Annotated

import typer

from automations.managing.trying import put_test_message
from console.changing import open_for_changes
from console.commands.endpoints.enabled import require_enabled
from console.failure import CommandFailedError
from console.queries.attempts import first_attempt
from console.queries.endpoints import find_endpoint
from console.queries.tables import Row, Tables
from console.screen.machine_readable import print_json
from console.screen.tables import Screen

_TEXT = "This is a test message from Rollcall."


def try_out(
    endpoint: Annotated[str, typer.Argument(metavar="ENDPOINT", help="Its id (or the start of it), name or URL.")],
    *,
    message: Annotated[str, typer.Option(metavar="TEXT", help="What it says.")] = _TEXT,
    wait: Annotated[float, typer.Option(min=0, max=600, metavar="SECONDS", help="How long to wait for it.")] = 30.0,
    as_json: Annotated[bool, typer.Option("--json", help="Print the try as a JSON array.")] = False,
) -> None:
    """Send a test message to an endpoint, and print what came of the first try.

    It goes the same way as all others: the process `automations` signs and sends it, and tries again if it fails. The
    exit code is 1 if the endpoint did not take it.
    """
    with open_for_changes() as connection:
        tables = Tables(connection)
        found = find_endpoint(tables, endpoint)
        addressee = require_enabled(connection, found["id"])
        message_id = put_test_message(connection, addressee, message)
        attempt = first_attempt(tables, message_id, found["id"], wait)
    if attempt is None:
        raise CommandFailedError(
            f"{message_id} is written and was not tried within {wait:g} s. Does the process `automations` run, with "
            "the right SECRETS_KEY? `rollcall doctor` shows more."
        )
    if as_json:
        print_json([attempt])
    else:
        _print(Screen(), message_id, attempt)
    if not _is_success(attempt):
        raise typer.Exit(1)


def _print(screen: Screen, message_id: str, attempt: Row) -> None:
    came = "no answer" if attempt["status"] is None else f"answer {attempt['status']}"
    if _is_success(attempt):
        screen.say(f"Delivered {message_id}: {came} after {attempt['duration_ms']} ms.")
    else:
        screen.say(f"{message_id} was not delivered: {came} after {attempt['duration_ms']} ms. {attempt['error']}")
        screen.say("It is tried again by the schedule.")
    if attempt["answer"]:
        for line in attempt["answer"].splitlines():
            screen.say(f"  {line}")


def _is_success(attempt: Row) -> bool:
    # A 2xx whose answer broke off has an error beside its status.
    return attempt["error"] is None and HTTPStatus.OK <= (attempt["status"] or 0) < HTTPStatus.MULTIPLE_CHOICES
