"""`rollcall roster list`."""

from datetime import datetime
from typing import Annotated, LiteralString

import typer

from console.queries.tables import Row, open_tables
from console.screen.machine_readable import print_json
from console.screen.tables import Column, Screen, length, moment, shown
from console.since import SINCE_TAKES, since

_LISTED: LiteralString = """
    SELECT * FROM rollcall.roster_attendance
    WHERE (%(meeting)s::text IS NULL OR meeting_id = %(meeting)s)
        AND (%(since)s::timestamptz IS NULL OR ends_at >= %(since)s)
    ORDER BY starts_at DESC, meeting_id, person LIMIT %(limit)s"""
_COLUMNS = (
    Column("MEETING"),
    Column("STARTS (UTC)"),
    Column("ENDS (UTC)"),
    Column("PERSON", gives_way=True),
    Column("NAME", gives_way=True),
    Column("VERDICT"),
    Column("ATTENDED", to_the_right=True),
    Column("SHARE", to_the_right=True),
)


def list_(
    *,
    meeting: Annotated[str | None, typer.Option(metavar="ID", help="Only those of this meeting.")] = None,
    ended_since: Annotated[
        datetime | None,
        typer.Option("--since", parser=since, metavar="T", help=f"Only those that end since then: {SINCE_TAKES}."),
    ] = None,
    limit: Annotated[int, typer.Option(min=1, max=1_000_000, help="The most to list.")] = 20,
    as_json: Annotated[bool, typer.Option("--json", help="Print a JSON array with every column.")] = False,
) -> None:
    """List who is expected, and whether they came; latest first.

    VERDICT is attended, below_threshold (for a smaller share of the time than asked for), no_show, or open: not
    decided yet.
    """
    with open_tables() as tables:
        found = tables.rows(_LISTED, {"meeting": meeting, "since": ended_since, "limit": limit})
    screen = Screen()
    if as_json:
        print_json(found)
    elif not found and screen.is_terminal:
        screen.say("Nobody matches." if meeting or ended_since else "Nobody is expected: see `rollcall roster import`.")
    else:
        screen.table(_COLUMNS, [_line(screen, row) for row in found])


def _line(screen: Screen, row: Row) -> tuple[str, ...]:
    share = row["share"]
    return (
        screen.id(row["meeting_id"]),
        moment(row["starts_at"]),
        moment(row["ends_at"]),
        row["person"],
        shown(row["display_name"]),
        row["verdict"],
        length(row["attended_seconds"]),
        shown(None if share is None else f"{float(share):.0%}"),
    )
