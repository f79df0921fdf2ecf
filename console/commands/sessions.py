"""`rollcall sessions`: lists sessions."""

from datetime import datetime
from typing import Annotated

import typer

from console.queries.conditions import Range
from console.queries.session_filter import SessionFilter
from console.queries.sessions import find_sessions
from console.queries.tables import open_tables
from console.screen.machine_readable import print_json
from console.screen.tables import Column, Screen, length, moment, shown
from console.since import SINCE_TAKES, since
from workers.rules.sessions import SessionStatus

_COLUMNS = (
    Column("SESSION"),
    Column("STARTED (UTC)"),
    Column("STATUS"),
    Column("LENGTH", to_the_right=True),
    Column("PEOPLE", to_the_right=True),
    Column("PEAK", to_the_right=True),
    Column("TITLE", gives_way=True),
)


def sessions(
    status: Annotated[SessionStatus | None, typer.Option(help="Only live sessions, or only ended ones.")] = None,
    meeting: Annotated[str | None, typer.Option(metavar="ID", help="Only sessions of this meeting.")] = None,
    started_since: Annotated[
        datetime | None,
        typer.Option("--since", parser=since, metavar="T", help=f"Only sessions started since then: {SINCE_TAKES}."),
    ] = None,
    limit: Annotated[int, typer.Option(min=1, max=1_000_000, help="The most sessions to list.")] = 20,
    as_json: Annotated[bool, typer.Option("--json", help="Print a JSON array with every column.")] = False,  # noqa: FBT002 - a flag
) -> None:
    """List sessions, latest first.

    LENGTH, PEOPLE and PEAK (the most people at once) come from the view session_summary; for a live session they are
    as of now.
    """
    with open_tables() as tables:
        chosen = SessionFilter(status=status, meeting=meeting, started=Range(since=started_since))
        found = [
            {name: value for name, value in row.items() if name != "last_event_at"}
            for row in find_sessions(tables, chosen, limit)
        ]
    if as_json:
        print_json(found)
        return
    screen = Screen()
    if not found and screen.is_terminal:
        screen.say("No session matches." if status or meeting or started_since else "No sessions yet.")
        return
    screen.table(
        _COLUMNS,
        [
            (
                screen.id(row["session_id"]),
                moment(row["started_at"]),
                row["status"],
                length(row["duration_seconds"]),
                str(row["people"]),
                str(row["peak_concurrency"]),
                shown(row["title"]),
            )
            for row in found
        ],
    )
