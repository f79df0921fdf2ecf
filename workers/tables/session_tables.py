"""The tables that hold a session. Its rows go together, and are made again together."""

from collections.abc import Sequence
from typing import LiteralString

from workers.tables.arrays import Cursor

# What the deliveries of a session are merged into: each table, and the column that names the session.
SESSION_TABLES: dict[LiteralString, LiteralString] = {
    "sessions": "id",
    "participants": "session_id",
    "participant_events": "session_id",
    "artifacts": "session_id",
    "timeline": "session_id",
}

# What all status updates of one subject are settled into: each table, and the column that names the subject.
SUBJECT_TABLES: dict[LiteralString, LiteralString] = {"recordings": "id", "livestreams": "stream_id"}

# What other systems were told of a session: no delivery makes these rows, so neither does a replay. They go with it.
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
_EMPTY_TIMELINE_OF_SUBJECTS = """
DELETE FROM rollcall.timeline AS entry
USING rollcall.deliveries AS delivery
WHERE delivery.subject_id = ANY(%b::text[]) AND entry.delivery_id = delivery.id
"""


def empty_sessions(cursor: Cursor, session_ids: Sequence[str]) -> None:
    """Delete all rows that the deliveries of sessions were merged into."""
    if session_ids:
        for statement in _EMPTY_SESSIONS:
            cursor.execute(statement, [list(session_ids)])


def empty_subjects(cursor: Cursor, subject_ids: Sequence[str]) -> None:
    """Delete all rows of recordings and livestreams, and the entries of those deliveries that the ledger still has."""
    if subject_ids:
        for statement in (_EMPTY_TIMELINE_OF_SUBJECTS, *_EMPTY_SUBJECTS):
            cursor.execute(statement, [list(subject_ids)])
