"""Reads in which sessions a person was, and a meeting's."""

from typing import LiteralString

from console.queries.conditions import Conditions, Range
from console.queries.sessions import Place
from console.queries.tables import Row, Tables

_SESSIONS: LiteralString = """
    SELECT s.id AS session_id, s.meeting_id, s.title, s.status, s.started_at, s.last_event_at,
        extract(epoch FROM greatest(
            coalesce(s.ended_at, rollcall.counted_until(s.last_event_at)) - s.started_at, interval '0')) AS seconds
    FROM rollcall.sessions AS s
    WHERE s.id = ANY(ARRAY(
        SELECT p.session_id FROM rollcall.participants AS p WHERE p.custom_participant_id = %(person)s
    )) AND s.started_at IS NOT NULL AND """
_IN_ORDER: LiteralString = " ORDER BY s.started_at DESC, s.id LIMIT %(limit)s"
# Only of the sessions of the page, and by their ids: the view would read all that were ever there.
_ATTENDANCE: LiteralString = """
    SELECT session_id, display_name, first_joined_at, last_left_at, connections, attended_seconds
    FROM rollcall.attendance WHERE session_id = ANY(%(ids)s) AND person = %(person)s"""
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
    conditions = Conditions(tables)
    conditions.values.update(person=person, limit=limit)
    conditions.start_in(started)
    if after is not None:
        conditions.add("(s.started_at < %(at)s OR (s.started_at = %(at)s AND s.id > %(id)s))", at=after.at, id=after.id)
    found = tables.rows(_SESSIONS + conditions.where + _IN_ORDER, conditions.values, {"seconds"})
    attended = {
        row["session_id"]: row
        for row in tables.rows(_ATTENDANCE, {"ids": [row["session_id"] for row in found], "person": person})
    }
    return [_with_share(row | attended[row["session_id"]]) for row in found]


def _with_share(row: Row) -> Row:
    seconds = row.pop("seconds")
    return {**row, "share": row["attended_seconds"] / seconds if seconds else None}


def meeting_with(tables: Tables, meeting_id: str) -> Row | None:
    """Return the meeting with this id."""
    rows = tables.rows(_MEETING, {"id": meeting_id})
    return rows[0] if rows else None
