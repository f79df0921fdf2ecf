"""The contents of `rollcall export`: one query each, with stable columns."""

from datetime import datetime
from enum import StrEnum
from typing import LiteralString

from psycopg import sql


class Content(StrEnum):
    """What is exported."""

    ATTENDANCE = "attendance"
    """One row per person and session, with the time attended."""
    SESSIONS = "sessions"
    """One row per session, with its totals."""
    PARTICIPANTS = "participants"
    """One row per connection."""
    RECORDINGS = "recordings"
    """One row per recording, with its links."""


# Numerics are cast: Arrow has no arbitrary-precision decimals and would get text. A double keeps microseconds for
# hundreds of years.
_COLUMNS: dict[Content, LiteralString] = {
    Content.ATTENDANCE: """
        e.session_id, e.person, e.display_name, e.first_joined_at, e.last_left_at, e.connections,
        e.attended_seconds::double precision AS attended_seconds
        FROM rollcall.attendance e""",
    Content.SESSIONS: """
        e.session_id, e.meeting_id, e.organization_id, e.title, e.status, e.started_at, e.ended_at,
        e.duration_seconds::double precision AS duration_seconds, e.people, e.connections, e.peak_concurrency,
        e.participant_minutes::double precision AS participant_minutes,
        e.recording_minutes::double precision AS recording_minutes
        FROM rollcall.session_summary e""",
    Content.PARTICIPANTS: """
        e.session_id, e.peer_id, e.custom_participant_id, e.display_name, e.preset_name, e.joined_at, e.left_at,
        e.left_source
        FROM rollcall.participants e""",
    Content.RECORDINGS: """
        e.id, e.session_id, e.meeting_id, e.status, e.invoked_at, e.started_at, e.stopped_at,
        e.duration_seconds::double precision AS duration_seconds, e.file_size, e.file_name, e.download_url,
        e.audio_download_url, e.download_url_expires_at, e.stop_reason
        FROM rollcall.recordings e""",
}


def export_query(content: Content, since: datetime | None, until: datetime | None) -> str:
    """Return the complete SQL of an export: COPY takes no parameters.

    Args:
        content: what to export.
        since: only rows of sessions that started at this time or later.
        until: only rows of sessions that started before this time.
    """
    query = sql.SQL("SELECT") + sql.SQL(_COLUMNS[content])
    bounds = [
        sql.SQL(comparison) + sql.Literal(bound)
        for comparison, bound in (("s.started_at >= ", since), ("s.started_at < ", until))
        if bound is not None
    ]
    if bounds:
        # No join without bounds: a recording with an unknown session is exported too.
        query += sql.SQL(" JOIN rollcall.sessions s ON s.id = e.session_id WHERE ") + sql.SQL(" AND ").join(bounds)
    return query.as_string()
