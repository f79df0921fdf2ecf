"""Replays rows of the ledger: reads each again, and writes it into the ledger again if it now reads differently."""

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from uuid import UUID

import msgspec

from workers.reading.facts import SubjectKind
from workers.reading.reading import Reading, read
from workers.reading.scope import Scope
from workers.reading.status import Status
from workers.rules.merge import Merge
from workers.settling.names import write_names
from workers.settling.rebuild import rebuild_sessions, write_again
from workers.settling.settle import settle_batch
from workers.settling.subjects import settle_subjects
from workers.settling.write import write_sessions
from workers.tables import chosen as ledger
from workers.tables.arrays import Cursor
from workers.tables.chosen import StoredDelivery
from workers.tables.ledger import Kept
from workers.tables.locks import Subject, lock
from workers.tables.marks import mark
from workers.tables.session_tables import empty_subjects


def replay_sessions(
    cursor: Cursor, session_ids: Sequence[str], chosen: Sequence[UUID], scope: Scope, *, rewrite: bool
) -> Counter[Status]:
    """Replay the chosen deliveries of sessions and rebuild the sessions' tables; return the statuses of the chosen.

    Args:
        cursor: in a transaction.
        session_ids: the sessions.
        chosen: the ids of the chosen deliveries that name them.
        scope: whose deliveries count now.
        rewrite: whether to update `processed_at` of deliveries that read as before.
    """
    lock(cursor, session_ids)
    fetch = partial(ledger.deliveries_of_sessions, cursor, session_ids, frozenset(chosen))
    return _replay(cursor, fetch, session_ids, scope, rewrite=rewrite)


def replay_without_session(cursor: Cursor, ids: Sequence[UUID], scope: Scope, *, rewrite: bool) -> Counter[Status]:
    """Replay deliveries that name no session, as `replay_sessions` does."""
    return _replay(cursor, partial(ledger.deliveries_of_ids, cursor, ids), (), scope, rewrite=rewrite)


def replay_observed(cursor: Cursor, session_ids: Sequence[str]) -> Counter[Status]:
    """Rebuild sessions that only observations name; return nothing, as no delivery is replayed."""
    write_names(cursor, rebuild_sessions(cursor, session_ids))
    mark(cursor, session_ids)
    return Counter()


def _replay(
    cursor: Cursor,
    fetch: Callable[[], list[StoredDelivery]],
    session_ids: Sequence[str],
    scope: Scope,
    *,
    rewrite: bool,
) -> Counter[Status]:
    rows = fetch()
    chosen = [row.id for row in rows if row.is_chosen]
    if rewrite:
        ledger.note_processed_again(cursor, chosen)
    readings = _read_again(rows, scope)
    changed = [row for row in rows if row.is_chosen and row.id in readings and not row.reads_as(readings[row.id])]
    if changed:
        entered = _enter_again(cursor, rows, changed, scope)
        elsewhere = {kept.reading.session_id for kept in entered} - {None, *session_ids}
        write_names(cursor, rebuild_sessions(cursor, {one for one in elsewhere if one is not None}))
        mark(cursor, {one for one in elsewhere if one is not None})
        rows = fetch()
        readings = _read_again(rows, None)
    facts = [
        (row.id, row.received_at, readings[row.id].facts)
        for row in rows
        if row.status == Status.PROCESSED and row.id in readings
    ]
    write_names(cursor, write_again(cursor, facts, session_ids))
    mark(cursor, session_ids)
    return ledger.statuses_of(cursor, chosen)


def _read_again(rows: Sequence[StoredDelivery], scope: Scope | None) -> dict[UUID, Reading]:
    """Return each row's reading: as of now if chosen, else as stored. A repeat is read by its first copy's body."""
    holders = _holders(rows)
    return {
        row.id: _read(row, holders[row.body_sha256], scope if row.is_chosen else None)
        for row in rows
        if row.body_sha256 in holders
    }


def _read(row: StoredDelivery, holder: StoredDelivery, scope: Scope | None) -> Reading:
    """Read a row's body.

    Args:
        row: the delivery.
        holder: the row that holds the body, this one or a copy.
        scope: whose deliveries count now; None: the row counts as stored.
    """
    if scope is None:
        return row.read(holder)
    return read(holder.body, row.received_at, row.webhook_id, scope)


def _holders(rows: Iterable[StoredDelivery]) -> dict[bytes, StoredDelivery]:
    return {row.body_sha256: row for row in rows if row.holds_body}


def _enter_again(cursor: Cursor, rows: list[StoredDelivery], changed: list[StoredDelivery], scope: Scope) -> list[Kept]:
    """Remove changed rows and their repeats from the ledger, and settle them as if they came from the queue."""
    family = {row.id: row for row in [*ledger.repeats_of(cursor, [row.id for row in changed]), *changed]}
    gone = sorted({row.subject_id for row in changed if row.subject_id is not None})
    # Delete the entries first: a delivery has one, and may now place it elsewhere, or move that of another update.
    empty_subjects(cursor, gone)
    ledger.delete_entries(cursor, [row.id for row in changed])
    ledger.delete_deliveries(cursor, list(family))
    holders = _holders(rows)
    batch = [_kept(row, holders[row.body_sha256], scope) for row in family.values()]
    settle_batch(cursor, batch)
    _settle_again(cursor, [(kind, subject_id) for kind in SubjectKind for subject_id in gone])
    return batch


def _kept(row: StoredDelivery, holder: StoredDelivery, scope: Scope) -> Kept:
    """Return a row's delivery as it would come from the queue, with the body as stored in the ledger."""
    reading = _read(row, holder, scope)
    return row.kept(msgspec.structs.replace(reading, payload=holder.payload, raw=holder.raw))


def _settle_again(cursor: Cursor, subjects: Sequence[Subject]) -> None:
    """Settle subjects that have lost updates from the remaining ones, whatever their sessions."""
    lock(cursor, (), subjects)
    settled = settle_subjects(cursor, subjects)
    settled.entries, settled.gone = settled.all_entries, []
    merge = Merge.of(settled.counting)
    write_sessions(cursor, merge, settled)
    sessions = {entry.session_id for entry in settled.all_entries}
    sessions |= {one.facts.session.id for one in settled.withdrawn if one.facts.session is not None}
    rebuilt = {session_id for session_id in sessions if session_id is not None}
    rebuild_sessions(cursor, rebuilt)
    write_names(cursor, merge, settled.withdrawn)
    mark(cursor, rebuilt | settled.sessions, settled.streams)
