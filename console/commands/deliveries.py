"""`rollcall deliveries`: the ledger."""

import json
from datetime import datetime
from typing import Annotated

import typer

from console.queries.conditions import Range
from console.queries.deliveries import DeliveryFilter, find_deliveries, find_delivery
from console.queries.tables import Row, open_tables
from console.screen.machine_readable import print_json
from console.screen.tables import Column, Screen, moment, shown
from console.since import SINCE_TAKES, since
from workers.reading.status import Status

# The timestamp part of an id, to the microsecond.
_SHORT_ID = 18
_COLUMNS = (
    Column("DELIVERY"),
    Column("RECEIVED (UTC)"),
    Column("STATUS"),
    Column("EVENT", gives_way=True),
    Column("SESSION", needs_room=True),
    Column("ERROR", gives_way=True),
)


def deliveries(  # noqa: PLR0913, PLR0917 - each parameter is one of the command
    delivery: Annotated[
        str | None,
        typer.Argument(
            metavar="[DELIVERY]", help="Show this one in full; any unambiguous prefix works.", show_default=False
        ),
    ] = None,
    status: Annotated[Status | None, typer.Option(help="Only deliveries with this status.")] = None,
    session: Annotated[str | None, typer.Option(metavar="ID", help="Only deliveries that name this session.")] = None,
    received_since: Annotated[
        datetime | None,
        typer.Option("--since", parser=since, metavar="T", help=f"Only deliveries received since then: {SINCE_TAKES}."),
    ] = None,
    limit: Annotated[int, typer.Option(min=1, max=1_000_000, help="The most deliveries to list.")] = 20,
    as_json: Annotated[bool, typer.Option("--json", help="Print a JSON array; bytes in it are base64.")] = False,  # noqa: FBT002 - a flag
) -> None:
    """List deliveries, latest first, or show one.

    Every delivery that was answered with 200 has one of these statuses. `processed`: its event is in the tables.
    `repeat`: its body was received before. `unknown`: this version does not know the event. `foreign`: its webhook or
    organization is not in WEBHOOK_IDS or ORGANIZATION_IDS, or it names no organization. `quarantined`: it can't be
    read. `rollcall replay` processes deliveries again.
    """
    with open_tables() as tables:
        if delivery is not None:
            found = [find_delivery(tables, delivery)]
        else:
            chosen = DeliveryFilter(status=status, session=session, received=Range(since=received_since))
            found = find_deliveries(tables, chosen, limit)
    screen = Screen()
    if as_json:
        print_json(found)
    elif delivery is not None:
        _print_whole(screen, found[0])
    elif not found and screen.is_terminal:
        screen.say("No delivery matches." if status or session or received_since else "No deliveries yet.")
    else:
        screen.table(_COLUMNS, [_line(screen, row) for row in found])


def _line(screen: Screen, row: Row) -> tuple[str, ...]:
    return (
        screen.id(str(row["id"]), short=_SHORT_ID),
        moment(row["received_at"]),
        row["status"],
        shown(row["event"]),
        screen.id(row["session_id"]),
        shown(row["error"]),
    )


def _print_whole(screen: Screen, row: Row) -> None:
    for name, value in row.items():
        if name in {"payload", "raw"}:
            continue
        text = moment(value) + " UTC" if isinstance(value, datetime) else shown(None if value is None else str(value))
        screen.say(f"{name:<14}{text}")
    screen.say("")
    if row["payload"] is not None:
        for line in json.dumps(row["payload"], ensure_ascii=False, indent=2).splitlines():
            screen.say(line)
    elif row["raw"] is not None:
        screen.say(row["raw"].decode("utf-8", errors="replace"))
    else:
        screen.say(f"The payload is stored with {row['repeat_of']}." if row["repeat_of"] else "No payload is stored.")
