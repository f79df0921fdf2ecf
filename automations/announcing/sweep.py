"""Marks for what nobody marked: a worker of a version before marks, still running after an upgrade, writes none."""

from typing import Any

import psycopg

# Those that changed recently, since that is when such a worker may have written them. What is old is not to be told.
_MARK = """
INSERT INTO rollcall.marks (kind, subject)
SELECT 'session', session.id FROM rollcall.sessions AS session
LEFT JOIN rollcall.tellings AS telling ON telling.kind = 'session' AND telling.subject = session.id
WHERE session.last_event_at > now() - interval '1 hour'
    AND session.last_event_at > (SELECT min(created_at) FROM rollcall.endpoints)
    AND session.last_event_at > coalesce(telling.changed_at, '-infinity')
    AND NOT EXISTS (
        SELECT FROM rollcall.marks AS mark WHERE mark.kind = 'session' AND mark.subject = session.id
    )
"""


def mark_missed(connection: psycopg.Connection[Any]) -> int:
    """Mark sessions that have events newer than their last mark; return how many."""
    return connection.execute(_MARK).rowcount
