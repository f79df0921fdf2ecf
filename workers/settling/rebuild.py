"""Rebuilds sessions from the ledger. Merging can only add, so to remove something the whole session is rebuilt."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from uuid import UUID

from workers.reading.facts import Facts
from workers.rules.merge import Merge
from workers.settling.observed import observe_again
from workers.settling.subjects import settle_subjects
from workers.settling.write import write_sessions
from workers.tables.arrays import Cursor
from workers.tables.locks import lock
from workers.tables.session_tables import empty_sessions
from workers.tables.stored import counting_for_sessions


def rebuild_sessions(cursor: Cursor, session_ids: Iterable[str]) -> Merge:
    """Rebuild all rows of sessions from the ledger; return the merge of their deliveries, meetings included."""
    ids = sorted(session_ids)
    if not ids:
        return Merge()
    lock(cursor, ids)
    counting = counting_for_sessions(cursor, ids)
    return write_again(cursor, [(one.id, one.received_at, one.facts()) for one in counting], ids)


def write_again(
    cursor: Cursor, deliveries: Iterable[tuple[UUID, datetime, Facts | None]], session_ids: Sequence[str]
) -> Merge:
    """Empty the tables of sessions and merge deliveries into them; return the merge, for `write_names` to write.

    Args:
        cursor: in a transaction that has locked the sessions.
        deliveries: id, `received_at` and facts, ordered by id: either all that name the sessions, or none.
        session_ids: the sessions.
    """
    empty_sessions(cursor, session_ids)
    merge = Merge()
    subjects = observe_again(cursor, merge, session_ids)
    for delivery_id, received_at, facts in deliveries:
        if facts is None:
            continue
        merge.add(delivery_id, received_at, facts)
        if facts.update is not None:
            subjects.add((facts.update.kind, facts.update.subject_id))
    lock(cursor, (), subjects)
    settled = settle_subjects(cursor, sorted(subjects))
    emptied = {None, *session_ids}
    settled.entries = [entry for entry in settled.all_entries if entry.session_id in emptied]
    settled.gone = []
    write_sessions(cursor, merge, settled)
    return merge
