"""A session's outcome: the one set of queries for pages and messages, on the views `session_summary` and so on."""

from collections.abc import Sequence
from typing import Any, LiteralString

import msgspec
from psycopg.rows import dict_row

from workers.tables.arrays import Cursor

_SUMMARIES: LiteralString = (
    "SELECT * FROM rollcall.session_summary WHERE session_id = ANY(%s) ORDER BY started_at, session_id"
)
_ATTENDANCE: LiteralString = """
SELECT person, display_name, first_joined_at, last_left_at, connections, attended_seconds
FROM rollcall.attendance WHERE session_id = %s
ORDER BY first_joined_at, person
"""
_RECORDINGS: LiteralString = """
SELECT id, session_id, meeting_id, status, invoked_at, started_at, stopped_at, duration_seconds, file_size, file_name,
    download_url, audio_download_url, download_url_expires_at, stop_reason
FROM rollcall.recordings WHERE session_id = %s
ORDER BY invoked_at, started_at, id
"""


class Outcome(msgspec.Struct, frozen=True):
    """A session's outcome: rows of the views and tables of these names.

    Attributes:
        summary: the row of `session_summary`.
        attendance: the rows of `attendance`, by first join and person.
        recordings: the rows of `recordings`.
    """

    summary: dict[str, Any]
    attendance: list[dict[str, Any]]
    recordings: list[dict[str, Any]]


def outcome_of(cursor: Cursor, session_id: str) -> Outcome | None:
    """Return a session's outcome as known so far; None if the session is unknown."""
    [*summaries] = summaries_of(cursor, [session_id])
    if not summaries:
        return None
    with cursor.connection.cursor(row_factory=dict_row) as rows:
        attendance = rows.execute(_ATTENDANCE, [session_id]).fetchall()
        recordings = rows.execute(_RECORDINGS, [session_id]).fetchall()
    return Outcome(summaries[0], attendance, recordings)


def summaries_of(cursor: Cursor, session_ids: Sequence[str]) -> list[dict[str, Any]]:
    """Return the rows of `session_summary`, ordered by start."""
    with cursor.connection.cursor(row_factory=dict_row) as rows:
        return rows.execute(_SUMMARIES, [list(session_ids)]).fetchall()
