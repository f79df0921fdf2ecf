"""`rollcall endpoints remove`."""

from typing import Annotated

import typer

from automations.managing.adding import remove_endpoint
from console.changing import open_for_changes
from console.queries.endpoints import find_endpoint
from console.queries.tables import Tables
from console.screen.confirming import confirm
from console.screen.tables import Screen


def remove(
    endpoint: Annotated[str, typer.Argument(metavar="ENDPOINT", help="Its id (or the start of it), name or URL.")],
    yes: Annotated[bool, typer.Option("--yes", help="Don't ask.")] = False,  # noqa: FBT002 - a flag
) -> None:
    """Remove an endpoint with its secrets, what waits for it, and the record of what was sent to it.

    To stop sending and keep what comes in for later, use `rollcall endpoints disable`.
    """
    with open_for_changes() as connection:
        found = find_endpoint(Tables(connection), endpoint)
        waiting = found["pending"] + found["held"] + found["given_up"]
        confirm(
            f"Remove {found['id']} ({found['name']}), and {waiting} messages that it has not received?",
            yes=yes,
        )
        remove_endpoint(connection, found["id"])
    Screen().say(f"Removed {found['id']} ({found['name']}).")
