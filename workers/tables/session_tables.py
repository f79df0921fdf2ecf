"""The tables that hold a session. Its rows are deleted and rebuilt together."""

from collections.abc import Sequence
from typing import LiteralString

from workers.tables.arrays import Cursor

# Tables that a session's deliveries are merged into, and the column that names the session.
SESSION_TABLES: dict[LiteralString, LiteralString] = {
    "sessions": "id",
    "participants": "session_id",
    "participant_events": "session_id",
    "artifacts": "session_id",
    "timeline": "session_id",
}

# Tables that a subject's status updates are settled into, and the column that names the subject.
SUBJECT_TABLES: dict[LiteralString, LiteralString] = {"recordings": "id", "livestreams": "stream_id"}

# What was sent about a session: deliveries don't produce these rows, so a replay can't either. Deleted with it.
TOLD_TABLES: dict[LiteralString, LiteralString] = {
    "attempts": "message_id",
    "message_deliveries": "session_id",
    "messages": "session_id",
    "tellings": "subject",
}


def _delete_from(table: LiteralString, key: LiteralString) -> LiteralString:
    return f"DELETE FROM rollcall.{table} WHERE {key} = ANY(%b::text[])"  # noqa: S608 - one of the names above


_EMPTY_SESSIONS = tuple(_delete_from(table, key) for table, key in SESSION_TABLES.items())
_EMPTY_SUBJECTS = tuple(_delete_from(table, key) for table, key in SUBJECT_TABLES.items())
# The id of a delivery's entry is the delivery's.
_EMPTY_TIMELINE_OF_SUBJECTS = """
DELETE FROM rollcall.timeline AS entry
USING rollcall.deliveries AS delivery
WHERE delivery.subject_id = ANY(%b::text[]) AND entry.id = delivery.id
"""


def empty_sessions(cursor: Cursor, session_ids: Sequence[str]) -> None:
    """Delete all rows that the deliveries of sessions were merged into."""
    if session_ids:
        for statement in _EMPTY_SESSIONS:
            cursor.execute(statement, [list(session_ids)])


def empty_subjects(cursor: Cursor, subject_ids: Sequence[str]) -> None:
    """Delete all rows of recordings and livestreams, and the entries of their deliveries still in the ledger."""
    if subject_ids:
        for statement in (_EMPTY_TIMELINE_OF_SUBJECTS, *_EMPTY_SUBJECTS):
            cursor.execute(statement, [list(subject_ids)])
