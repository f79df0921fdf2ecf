"""Reads in which sessions a person was, and a meeting's."""

from typing import Any, LiteralString

from console.queries.conditions import Range
from console.queries.sessions import Place
from console.queries.tables import Row, Tables

# Only these sessions' participants are read.
_SESSIONS: LiteralString = """
    SELECT s.id AS session_id, s.meeting_id, s.title, s.status, s.started_at, s.last_event_at, a.display_name,
        a.first_joined_at, a.last_left_at, a.connections, a.attended_seconds,
        a.attended_seconds / nullif(extract(epoch FROM greatest(
            coalesce(s.ended_at, rollcall.counted_until(s.last_event_at)) - s.started_at, interval '0')), 0) AS share
    FROM (
        SELECT DISTINCT session_id FROM rollcall.participants WHERE custom_participant_id = %(person)s
    ) AS theirs
    JOIN rollcall.sessions AS s ON s.id = theirs.session_id
    CROSS JOIN LATERAL (
        SELECT * FROM rollcall.attendance AS v WHERE v.session_id = s.id AND v.person = %(person)s
    ) AS a
    WHERE s.started_at IS NOT NULL
        AND (%(since)s::timestamptz IS NULL OR s.started_at >= %(since)s)
        AND (%(until)s::timestamptz IS NULL OR s.started_at < %(until)s)
        AND (%(at)s::timestamptz IS NULL OR s.started_at < %(at)s OR (s.started_at = %(at)s AND s.id > %(after)s))
    ORDER BY s.started_at DESC, s.id LIMIT %(limit)s"""
_MEETING: LiteralString = """
    SELECT m.id, m.organization_id, m.title, m.room_name, m.created_at FROM rollcall.meetings AS m
    WHERE m.id = %(id)s"""


def sessions_of_person(tables: Tables, person: str, started: Range, limit: int, after: Place | None) -> list[Row]:
    """Return the sessions of a person and how they attended, latest first; those whose start is not known are left out.

    Args:
        tables: where.
        person: their id in the user's own app.
        started: when the sessions started.
        limit: how many at most.
        after: where the page before ended.
    """
    values: dict[str, Any] = {"person": person, "since": started.since, "until": started.until, "limit": limit}
    place = {"at": None if after is None else after.at, "after": None if after is None else after.id}
    return tables.rows(_SESSIONS, values | place, {"share"})


def meeting_with(tables: Tables, meeting_id: str) -> Row | None:
    """Return the meeting with this id."""
    rows = tables.rows(_MEETING, {"id": meeting_id})
    return rows[0] if rows else None
