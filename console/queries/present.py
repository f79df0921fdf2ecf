"""Reads how things stand now: live sessions, what waits, what was set aside, and the figures of today."""

from datetime import datetime, timedelta
from typing import LiteralString

from console.queries.sessions import SUMMARY_PLAIN
from console.queries.tables import Row, Tables

# Without an end a session counts for a day after its last event.
_LIVE: LiteralString = """
    SELECT v.session_id, v.meeting_id, v.title, v.status, v.started_at, v.duration_seconds, v.people, v.connections,
        v.peak_concurrency
    FROM rollcall.session_summary AS v WHERE v.session_id = ANY(ARRAY(
        SELECT s.id FROM rollcall.sessions AS s
        WHERE s.started_at >= %(since)s AND s.status = 'live' AND s.last_event_at >= %(heard)s
        ORDER BY s.started_at DESC LIMIT %(limit)s))
    ORDER BY v.started_at DESC, v.session_id"""
_PRESENT: LiteralString = """
    SELECT session_id, peer_id, custom_participant_id, display_name, joined_at FROM rollcall.participants
    WHERE session_id = ANY(%(ids)s) AND left_at IS NULL AND joined_at IS NOT NULL
    ORDER BY joined_at, peer_id LIMIT %(limit)s"""
_SET_ASIDE: LiteralString = """
    SELECT status, count(*) AS number FROM rollcall.deliveries
    WHERE status IN ('unknown', 'foreign', 'quarantined') AND id >= %(since)s GROUP BY status ORDER BY status"""
_READS_QUEUE: LiteralString = (
    "SELECT coalesce(has_table_privilege(to_regclass('rollcall_queue.queue'), 'SELECT'), false) AS may_read"
)
_QUEUE: LiteralString = """
    SELECT (SELECT count(*) FROM (
        SELECT FROM rollcall_queue.queue WHERE state IN ('queued', 'consumed') LIMIT 10001) AS few) AS number"""
_ENDPOINTS: LiteralString = """
    SELECT e.id, e.name, e.status, e.disabled_reason, s.failing_since
    FROM rollcall.endpoints AS e LEFT JOIN rollcall.endpoint_states AS s ON s.endpoint_id = e.id
    WHERE s.failing_since IS NOT NULL OR e.status = 'disabled' ORDER BY e.created_at, e.id"""
_DAYS: LiteralString = """
    SELECT days.day, days.sessions, extract(epoch FROM usage.participant_time) / 60 AS participant_minutes,
        usage.recording_seconds / 60 AS recording_minutes
    FROM (
        SELECT (started_at AT TIME ZONE 'UTC')::date AS day, count(*) AS sessions, array_agg(id) AS ids
        FROM rollcall.sessions WHERE started_at >= %(since)s AND started_at < %(until)s GROUP BY 1
    ) AS days CROSS JOIN LATERAL rollcall.usage_of(days.ids) AS usage ORDER BY days.day"""
_DAYS_PLAIN = ("day", "sessions", "participant_minutes", "recording_minutes")
_PENDING: LiteralString = """
    SELECT count(*) AS number FROM (
        SELECT FROM rollcall.message_deliveries WHERE status = 'pending' LIMIT 10001) AS few"""
_LIVE_SINCE = timedelta(days=3)
_HEARD_WITHIN = timedelta(hours=24)
MOST_LIVE = 50
_MOST_PRESENT = 500


def live_sessions(tables: Tables, now: datetime) -> list[Row]:
    """Return the sessions that are live, latest first, each with those who are `present`."""
    values = {"since": now - _LIVE_SINCE, "heard": now - _HEARD_WITHIN, "limit": MOST_LIVE}
    found = tables.rows(_LIVE, values, SUMMARY_PLAIN)
    present: dict[str, list[Row]] = {row["session_id"]: [] for row in found}
    for row in tables.rows(_PRESENT, {"ids": list(present), "limit": _MOST_PRESENT}):
        present[row["session_id"]].append(row)
    return [{**row, "present": present[row["session_id"]]} for row in found]


def set_aside_since(tables: Tables, first_id: object) -> list[Row]:
    """Return how many deliveries were set aside, by status, from an id on."""
    return tables.rows(_SET_ASIDE, {"since": first_id}, {"number"})


def waiting_in_database(tables: Tables) -> int | None:
    """Return how many messages wait in the queue in the database; 10,001 stands for more.

    None if this role may not look.
    """
    if not tables.rows(_READS_QUEUE, None, {"may_read"})[0]["may_read"]:
        return None
    return int(tables.rows(_QUEUE, None, {"number"})[0]["number"])


def endpoints_in_trouble(tables: Tables) -> list[Row]:
    """Return the endpoints that fail or are disabled."""
    return tables.rows(_ENDPOINTS)


def pending_messages(tables: Tables) -> int:
    """Return how many messages wait to be sent; 10,001 stands for more."""
    return int(tables.rows(_PENDING, None, {"number"})[0]["number"])


def days_between(tables: Tables, since: datetime, until: datetime) -> list[Row]:
    """Return what the UTC days of a range came to, in order; days without sessions are left out."""
    return tables.rows(_DAYS, {"since": since, "until": until}, _DAYS_PLAIN)
