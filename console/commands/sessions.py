"""`rollcall sessions`: lists sessions."""

from datetime import datetime
from typing import Annotated, LiteralString

import typer

from console.queries.tables import Row, Tables, open_tables
from console.screen.machine_readable import print_json
from console.screen.tables import Column, Screen, length, moment, shown
from console.since import SINCE_TAKES, since
from workers.rules.sessions import SessionStatus

# Latest first, using the index on the start; then those with an unknown start. The view then computes the figures of
# only these.
_CHOSEN: LiteralString = """
    WITH fitting AS (
        SELECT id, started_at, last_event_at FROM rollcall.sessions
        WHERE (%(status)s::text IS NULL OR status = %(status)s)
            AND (%(meeting)s::text IS NULL OR meeting_id = %(meeting)s)
            AND (%(since)s::timestamptz IS NULL OR started_at >= %(since)s)
    )
    (SELECT id, started_at, last_event_at FROM fitting WHERE started_at IS NOT NULL
     ORDER BY started_at DESC, id LIMIT %(limit)s)
    UNION ALL
    (SELECT id, started_at, last_event_at FROM fitting WHERE started_at IS NULL
     ORDER BY last_event_at DESC, id LIMIT %(limit)s)
    ORDER BY started_at DESC NULLS LAST, last_event_at DESC, id
    LIMIT %(limit)s"""
_SUMMARY: LiteralString = """
    SELECT session_id, meeting_id, organization_id, title, status, started_at, ended_at, duration_seconds,
        people, connections, peak_concurrency, participant_minutes, recording_minutes
    FROM rollcall.session_summary WHERE session_id = ANY(%(ids)s)"""

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
        found = _find(tables, status, meeting, started_since, limit)
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


def _find(
    tables: Tables, status: SessionStatus | None, meeting: str | None, started_since: datetime | None, limit: int
) -> list[Row]:
    values = {"status": status and status.value, "meeting": meeting, "since": started_since, "limit": limit}
    ids = [row["id"] for row in tables.rows(_CHOSEN, values)]
    summaries = {row["session_id"]: row for row in tables.rows(_SUMMARY, {"ids": ids})}
    return [summaries[session_id] for session_id in ids]
