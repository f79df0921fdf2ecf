"""Livestreams whose events name no session: they are told once their meeting is known to be one of ours."""

from collections.abc import Sequence

from workers.tables.arrays import Cursor

# No time makes it due: it is the meeting that is missing.
_WAIT = "UPDATE rollcall.tellings SET due_at = 'infinity' WHERE kind = 'livestream' AND subject = %s"
_MARK = """
INSERT INTO rollcall.marks (kind, subject)
SELECT DISTINCT 'livestream', telling.subject
FROM rollcall.tellings AS telling
JOIN rollcall.livestreams AS stream ON stream.stream_id = telling.subject
JOIN rollcall.sessions AS session ON session.meeting_id = stream.meeting_id
WHERE telling.due_at = 'infinity' AND telling.kind = 'livestream' AND session.id = ANY(%s)
"""


def wait_for_meeting(cursor: Cursor, stream_id: str) -> None:
    """Remember that a stream has entries that can't be told yet."""
    cursor.execute(_WAIT, [stream_id])


def mark_streams(cursor: Cursor, session_ids: Sequence[str]) -> None:
    """Mark the streams that wait for the meetings of these sessions."""
    if session_ids:
        cursor.execute(_MARK, [list(session_ids)])
