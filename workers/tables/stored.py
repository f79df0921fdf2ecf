"""Deliveries as stored in the ledger, read back to rebuild tables from them."""

from collections.abc import Sequence
from uuid import UUID

from workers.reading.stored import Stored
from workers.tables.arrays import Cursor

_OF_SESSIONS = """
SELECT id, received_at, session_id, meeting_id, payload::text, raw
FROM rollcall.deliveries
WHERE session_id = ANY(%b::text[]) AND status = 'processed'
ORDER BY id
"""
_OF_MEETING = """
SELECT id, received_at, session_id, meeting_id, payload::text, raw
FROM rollcall.deliveries
WHERE meeting_id = %s AND status = 'processed'
ORDER BY id
"""
_BETWEEN = """
SELECT id, received_at, session_id, meeting_id, payload::text, raw
FROM rollcall.deliveries
WHERE id > %(first)s AND id < %(last)s AND status = 'processed'
    AND (%(meeting_id)s::text IS NULL OR meeting_id = %(meeting_id)s)
ORDER BY id DESC
"""
_BEFORE = """
SELECT id, received_at, session_id, meeting_id, payload::text, raw
FROM rollcall.deliveries
WHERE id < %s AND status = 'processed'
ORDER BY id DESC LIMIT %s
"""
# Those of the batch itself are known already.
_UPDATES = """
SELECT id, received_at, session_id, meeting_id, payload::text, raw, delivery_uuid, body_sha256, status, repeat_of
FROM rollcall.deliveries
WHERE subject_id = ANY(%b::text[]) AND status IN ('processed', 'repeat') AND id <> ALL(%b::uuid[])
"""


class StoredUpdate(Stored, frozen=True, gc=False):
    """A status update that counts or repeats another one, with the columns that decide which."""

    delivery_uuid: str | None
    body_sha256: bytes
    status: str
    repeat_of: UUID | None


def counting_for_sessions(cursor: Cursor, session_ids: Sequence[str]) -> list[Stored]:
    """Return the deliveries that count for sessions, ordered by id."""
    return _rows(cursor.execute(_OF_SESSIONS, [list(session_ids)]))


def counting_for_meeting(cursor: Cursor, meeting_id: str) -> list[Stored]:
    """Return the deliveries that count for a meeting, ordered by id. Reads the whole ledger."""
    return _rows(cursor.execute(_OF_MEETING, [meeting_id]))


def counting_between(cursor: Cursor, first: UUID, last: UUID, meeting_id: str | None = None) -> list[Stored]:
    """Return the deliveries that count, were received between two others, and name a meeting; latest first.

    Args:
        cursor: in a transaction.
        first: the delivery before them.
        last: the delivery after them.
        meeting_id: the meeting; None: any or none.
    """
    return _rows(cursor.execute(_BETWEEN, {"first": first, "last": last, "meeting_id": meeting_id}))


def counting_before(cursor: Cursor, before: UUID, most: int) -> list[Stored]:
    """Return the deliveries that count and were received before one, latest first, up to a limit."""
    return _rows(cursor.execute(_BEFORE, [before, most]))


def updates_of_subjects(cursor: Cursor, subject_ids: Sequence[str], but: Sequence[UUID]) -> list[StoredUpdate]:
    """Return the status updates of subjects, except those with the given ids."""
    keys = [list(subject_ids), list(but)]
    return [StoredUpdate(*row) for row in cursor.execute(_UPDATES, keys, prepare=True).fetchall()]


def _rows(cursor: Cursor) -> list[Stored]:
    return [Stored(*row) for row in cursor.fetchall()]
