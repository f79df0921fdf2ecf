"""`rollcall messages show`."""

import json
from datetime import datetime
from typing import Annotated

import typer

from console.queries.attempts import attempts_of
from console.queries.messages import deliveries_of, find_message
from console.queries.tables import Row, open_tables
from console.screen.machine_readable import print_json
from console.screen.tables import Column, Screen, moment, shown

_DELIVERIES = (
    Column("ENDPOINT"),
    Column("NAME", gives_way=True),
    Column("STATUS"),
    Column("WHY", gives_way=True),
    Column("NEXT TRY (UTC)"),
    Column("DELIVERED (UTC)"),
)
_ATTEMPTS = (
    Column("TRIED (UTC)"),
    Column("ENDPOINT"),
    Column("TRY", to_the_right=True),
    Column("MS", to_the_right=True),
    Column("ANSWER", to_the_right=True),
    Column("ERROR", gives_way=True),
    Column("TEXT OF THE ANSWER", gives_way=True),
)


def show(
    message: Annotated[str, typer.Argument(metavar="MESSAGE", help="Its id; any unambiguous prefix works.")],
    as_json: Annotated[bool, typer.Option("--json", help="Print a JSON array with every column.")] = False,  # noqa: FBT002 - a flag
) -> None:
    """Show a message as it is sent, what has become of it, and each try."""
    with open_tables() as tables:
        found = find_message(tables, message)
        deliveries, attempts = deliveries_of(tables, found["id"]), attempts_of(tables, found["id"])
    if as_json:
        print_json([{**found, "deliveries": deliveries, "attempts": attempts}])
        return
    screen = Screen()
    for name, value in found.items():
        if name != "body":
            text = f"{moment(value)} UTC" if isinstance(value, datetime) else shown(value)
            screen.say(f"{name:<18}{text}")
    screen.say("")
    for line in json.dumps(found["body"], ensure_ascii=False, indent=2).splitlines():
        screen.say(line)
    for columns, lines in (
        (_DELIVERIES, [_delivery(row) for row in deliveries]),
        (_ATTEMPTS, [_attempt(row) for row in attempts]),
    ):
        if lines:
            screen.say("")
            screen.table(columns, lines)


def _delivery(row: Row) -> tuple[str, ...]:
    return (
        row["endpoint_id"],
        shown(row["endpoint_name"]),
        row["status"],
        shown(row["reason"]),
        moment(row["next_attempt_at"]),
        moment(row["delivered_at"]),
    )


def _attempt(row: Row) -> tuple[str, ...]:
    return (
        moment(row["at"]),
        row["endpoint_id"],
        str(row["number"]),
        str(row["duration_ms"]),
        shown(None if row["status"] is None else str(row["status"])),
        shown(row["error"]),
        shown(row["answer"]),
    )
