"""Reads one session: who was in it, what was recorded, and what happened."""

from typing import Any, LiteralString

from console.queries.tables import Row, Tables

_CONNECTIONS: LiteralString = """
    SELECT p.peer_id, p.custom_participant_id, p.display_name, p.preset_name, p.joined_at, p.joined_source, p.left_at,
        p.left_source, p.observed_by, c.present_until
    FROM rollcall.participants AS p
    JOIN rollcall.connections AS c ON c.session_id = p.session_id AND c.peer_id = p.peer_id
    WHERE p.session_id = %(session)s AND c.session_id = %(session)s
    ORDER BY p.joined_at NULLS LAST, p.peer_id"""
_ATTENDANCE: LiteralString = """
    SELECT person, display_name, first_joined_at, last_left_at, connections, attended_seconds
    FROM rollcall.attendance WHERE session_id = %(session)s ORDER BY first_joined_at NULLS LAST, person"""
_RECORDINGS: LiteralString = """
    SELECT r.id, r.status, r.invoked_at, r.started_at, r.stopped_at, r.duration_seconds, r.file_size, r.file_name,
        r.download_url, r.audio_download_url, r.download_url_expires_at, r.stop_reason
    FROM rollcall.recordings AS r WHERE r.session_id = %(session)s ORDER BY r.started_at NULLS LAST, r.id"""
_ARTIFACTS: LiteralString = """
    SELECT kind, download_url, download_url_expires_at FROM rollcall.artifacts
    WHERE session_id = %(session)s ORDER BY kind"""
_CONCURRENCY: LiteralString = """
    SELECT at, present FROM rollcall.concurrency WHERE session_id = %(session)s ORDER BY at"""
# At the same time, the start of the session comes first and its end last.
_ENTRIES: LiteralString = """
    SELECT t.occurred_at, t.kind, t.subject_id, t.detail, t.delivery_id, t.observation_id,
        t.occurred_at = d.received_at AS is_time_of_receipt
    FROM rollcall.timeline t LEFT JOIN rollcall.deliveries d ON d.id = t.delivery_id
    WHERE t.session_id = %(session)s
    ORDER BY t.occurred_at, (t.kind = 'session.started') DESC, t.kind = 'session.ended', t.delivery_id, t.kind,
        t.subject_id"""
_SOME: LiteralString = " LIMIT %(limit)s OFFSET %(skip)s"
# What the chart shows besides people.
_OF_FILES: LiteralString = """
    SELECT t.subject_id, t.occurred_at, t.kind, t.delivery_id, t.observation_id FROM rollcall.timeline AS t
    WHERE t.session_id = %(session)s
        AND (t.kind LIKE 'recording.%%' OR t.kind LIKE '%%.available' OR t.kind = 'session.ended')
    ORDER BY t.occurred_at, t.delivery_id LIMIT 1000"""
_STATED_ENDS: LiteralString = """
    SELECT e.peer_id, e.kind, e.occurred_at, e.delivery_id FROM rollcall.participant_events AS e
    WHERE e.session_id = %(session)s"""


def connections_of(tables: Tables, session_id: str) -> list[Row]:
    """Return a session's connections, each until when it counts, in the order of their joins."""
    return tables.rows(_CONNECTIONS, {"session": session_id}, {"present_until"})


def attendance_of(tables: Tables, session_id: str) -> list[Row]:
    """Return a session's rows of `attendance`, in the order of their first joins."""
    return tables.rows(_ATTENDANCE, {"session": session_id})


def recordings_of(tables: Tables, session_id: str) -> list[Row]:
    """Return a session's recordings, in the order of their starts."""
    return tables.rows(_RECORDINGS, {"session": session_id})


def entries_about_files(tables: Tables, session_id: str) -> list[Row]:
    """Return what a session's timeline says about its end, recordings, chats, transcripts and summaries, in order."""
    return tables.rows(_OF_FILES, {"session": session_id})


def artifacts_of(tables: Tables, session_id: str) -> list[Row]:
    """Return a session's chat dump, transcript and summary."""
    return tables.rows(_ARTIFACTS, {"session": session_id})


def concurrency_of(tables: Tables, session_id: str) -> list[Row]:
    """Return when the number of open connections changed, in order."""
    return tables.rows(_CONCURRENCY, {"session": session_id}, {"at", "present"})


def reports_of(tables: Tables, session_id: str) -> dict[tuple[str, str], Any]:
    """Return the last delivery that reports a join or a leave, by the connection's id and the kind."""
    found = tables.rows(_STATED_ENDS, {"session": session_id})
    found.sort(key=lambda row: (row["occurred_at"], row["delivery_id"]))
    return {(row["peer_id"], row["kind"]): row["delivery_id"] for row in found}


def entries_of(tables: Tables, session_id: str, limit: int | None = None, skip: int = 0) -> list[Row]:
    """Return a session's timeline in order: all of it, or `limit` entries after the first `skip`."""
    values = {"session": session_id, "limit": limit, "skip": skip}
    return tables.rows(_ENTRIES + _SOME if limit is not None else _ENTRIES, values, {"is_time_of_receipt"})
