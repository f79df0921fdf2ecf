"""Locks on sessions and subjects: two workers that write the same one take turns.

A transaction takes all its locks in one order, sessions before subjects, which rules out deadlocks. They are Postgres's
advisory locks, which need no existing row and are released with the transaction.
"""

from collections.abc import Iterable

from workers.reading.facts import SubjectKind
from workers.tables.arrays import Cursor, write_columns

Subject = tuple[SubjectKind, str]

_LOCK = "SELECT pg_advisory_xact_lock(hashtextextended(name, 0)) FROM unnest(%b::text[]) AS name"


def lock(cursor: Cursor, session_ids: Iterable[str], subjects: Iterable[Subject] = ()) -> None:
    """Lock sessions and subjects, whether they exist yet or not, until the transaction ends."""
    names = [f"session:{session_id}" for session_id in sorted(session_ids)]
    names += [f"{kind}:{subject_id}" for kind, subject_id in sorted(subjects)]
    if names:
        write_columns(cursor, _LOCK, [names])
