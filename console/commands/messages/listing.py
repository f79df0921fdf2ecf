"""`rollcall messages list`."""

from datetime import datetime
from typing import Annotated

import typer

from console.queries.endpoints import find_endpoint
from console.queries.message_lists import Chosen, find_messages
from console.queries.tables import Row, open_tables
from console.screen.machine_readable import print_json
from console.screen.tables import Column, Screen, moment, shown
from console.since import SINCE_TAKES, since
from workers.rules.messages import DeliveryStatus

# `msg_` and the first part of a UUID.
_SHORT_ID = 12
_COLUMNS = (
    Column("MESSAGE"),
    Column("HAPPENED (UTC)"),
    Column("TYPE"),
    Column("SESSION", needs_room=True),
    Column("ENDPOINT"),
    Column("STATUS"),
    Column("TRIES", to_the_right=True),
    Column("NEXT TRY (UTC)", gives_way=True),
    Column("WHY", gives_way=True),
)


def list_(  # noqa: PLR0913 - each parameter is one of the command
    *,
    endpoint: Annotated[str | None, typer.Option(metavar="ID", help="Only those for this endpoint.")] = None,
    type_: Annotated[str | None, typer.Option("--type", metavar="TYPE", help="Only these, with *: session.*")] = None,
    status: Annotated[DeliveryStatus | None, typer.Option(help="Only those with this status.")] = None,
    session: Annotated[str | None, typer.Option(metavar="ID", help="Only those about this session.")] = None,
    happened_since: Annotated[
        datetime | None,
        typer.Option("--since", parser=since, metavar="T", help=f"Only what happened since then: {SINCE_TAKES}."),
    ] = None,
    limit: Annotated[int, typer.Option(min=1, max=1_000_000, help="The most to list.")] = 20,
    as_json: Annotated[bool, typer.Option("--json", help="Print a JSON array with every column.")] = False,
) -> None:
    """List messages, latest first, one line for each endpoint that a message is for.

    `pending`: on its way; without a time for the next try, an earlier one of its session goes first. `delivered`: the
    endpoint has answered with 2xx. `held`: not sent until you ask for it (`endpoints recover`, `endpoints enable`);
    WHY says `old` or `disabled`. `given_up`: no try of the schedule succeeded (`messages redeliver`).
    """
    with open_tables() as tables:
        endpoint_id = None if endpoint is None else find_endpoint(tables, endpoint)["id"]
        chosen = Chosen(endpoint=endpoint_id, status=status, type=type_, session=session, since=happened_since)
        found = find_messages(tables, chosen, limit)
    screen = Screen()
    if as_json:
        print_json([{name: value for name, value in row.items() if name != "position"} for row in found])
    elif not found and screen.is_terminal:
        screen.say("No message matches." if chosen != Chosen() else "No messages yet.")
    else:
        screen.table(_COLUMNS, [_line(screen, row) for row in found])


def _line(screen: Screen, row: Row) -> tuple[str, ...]:
    return (
        screen.id(row["id"], short=_SHORT_ID),
        moment(row["occurred_at"]),
        row["type"],
        screen.id(row["session_id"]),
        shown(row["endpoint_id"]),
        shown(row["status"]),
        str(row["attempts"] or 0),
        moment(row["next_attempt_at"]),
        shown(row["reason"]),
    )
