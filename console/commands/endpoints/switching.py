"""`rollcall endpoints enable` and `rollcall endpoints disable`."""

from typing import Annotated

import typer

from automations.enabling import disable as disable_endpoint
from automations.enabling import enable as enable_endpoint
from console.changing import open_for_changes
from console.failure import CommandFailedError
from console.queries.endpoints import find_endpoint
from console.queries.tables import Tables
from console.screen.tables import Screen

_BY_HAND = "Disabled with `rollcall endpoints disable`."


def enable(
    endpoint: Annotated[str, typer.Argument(metavar="ENDPOINT", help="Its id (or the start of it), name or URL.")],
) -> None:
    """Send to a disabled endpoint again.

    What was held meanwhile, and what was given up since it began to fail, goes out in order, each with a whole
    schedule. What is held because it is old does not: see `endpoints recover`.
    """
    with open_for_changes() as connection:
        found = find_endpoint(Tables(connection), endpoint)
        sent = enable_endpoint(connection, found["id"])
    if sent is None:
        raise CommandFailedError(
            f"{found['id']} ({found['name']}) is enabled already. What was given up goes out again with "
            f"`rollcall messages redeliver --endpoint {found['id']} --status given_up`."
        )
    Screen().say(
        f"Enabled {found['id']} ({found['name']}): {sent} {'message goes' if sent == 1 else 'messages go'} out."
    )


def disable(
    endpoint: Annotated[str, typer.Argument(metavar="ENDPOINT", help="Its id (or the start of it), name or URL.")],
    reason: Annotated[str, typer.Option(metavar="TEXT", help="Why, for those who read about it.")] = _BY_HAND,
) -> None:
    """Stop sending to an endpoint. What is meant for it is held until it is enabled."""
    with open_for_changes() as connection:
        found = find_endpoint(Tables(connection), endpoint)
        with connection.transaction(), connection.cursor() as cursor:
            held = disable_endpoint(cursor, found["id"], reason)
    if held is None:
        raise CommandFailedError(f"{found['id']} ({found['name']}) is disabled already.")
    Screen().say(
        f"Disabled {found['id']} ({found['name']}): {held} {'message is' if held == 1 else 'messages are'} held."
    )
