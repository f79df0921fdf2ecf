"""Announcers and senders take turns at a session: what was told of it, and which of its messages is due."""

from collections.abc import Iterable

from workers.tables.arrays import Cursor

_TRY = """
SELECT name FROM unnest(%b::text[]) AS name
WHERE pg_try_advisory_xact_lock(hashtextextended('rollcall.telling.' || name, 0))
"""
_WAIT = """
SELECT pg_advisory_xact_lock(hashtextextended('rollcall.telling.' || name, 0)) FROM unnest(%b::text[]) AS name
"""


def session_turn(session_id: str) -> str:
    """Return the name of a session among the subjects."""
    return f"session:{session_id}"


def take_turns(cursor: Cursor, subjects: Iterable[str]) -> list[str]:
    """Return the subjects that are this transaction's until it ends; others are another's now."""
    return [row[0] for row in cursor.execute(_TRY, [sorted(set(subjects))]).fetchall()]


def wait_for_turn(cursor: Cursor, subjects: Iterable[str]) -> None:
    """Return once all the subjects are this transaction's, until it ends."""
    cursor.execute(_WAIT, [sorted(set(subjects))])
