"""Replaying rows of the ledger: each is read again; where it reads differently now, it enters the ledger anew."""

from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import LiteralString
from uuid import UUID

import msgspec

from workers.queue.delivery import Delivery, Provider
from workers.reading.facts import SubjectKind
from workers.reading.reading import Reading, read, read_again
from workers.reading.scope import Scope
from workers.reading.status import Status
from workers.rules.merge import Merge
from workers.settling.settle import settle_batch
from workers.settling.subjects import forget_subjects, settle_subjects
from workers.settling.take_back import rebuild_sessions, write_anew, write_names
from workers.settling.write import write_sessions
from workers.tables.arrays import Cursor
from workers.tables.ledger import Kept
from workers.tables.locks import Subject, lock

_COLUMNS: LiteralString = """
    delivery.id, delivery.received_at, delivery.provider, delivery.delivery_uuid, delivery.webhook_id,
    delivery.body_sha256, delivery.status, delivery.event, delivery.error, delivery.session_id, delivery.meeting_id,
    delivery.subject_id, delivery.payload::text, delivery.raw
"""
_OF_SESSIONS: LiteralString = (
    "SELECT"
    + _COLUMNS
    + """,
    chosen.id IS NOT NULL
FROM rollcall.deliveries AS delivery
    LEFT JOIN chosen ON chosen.session_id = delivery.session_id AND chosen.id = delivery.id
WHERE delivery.session_id = ANY(%b::text[])
ORDER BY delivery.id
"""
)
_OF_IDS: LiteralString = (
    "SELECT"
    + _COLUMNS
    + """,
    true
FROM rollcall.deliveries AS delivery
WHERE delivery.id = ANY(%b::uuid[])
ORDER BY delivery.id
"""
)
_REPEATS: LiteralString = (
    "SELECT"
    + _COLUMNS
    + """,
    false
FROM rollcall.deliveries AS delivery
WHERE delivery.repeat_of = ANY(%b::uuid[])
ORDER BY delivery.id
"""
)
_DELETE = "DELETE FROM rollcall.deliveries WHERE id = ANY(%b::uuid[])"
_DELETE_ENTRIES = "DELETE FROM rollcall.timeline WHERE delivery_id = ANY(%b::uuid[])"
_PROCESSED_AGAIN = "UPDATE rollcall.deliveries SET processed_at = clock_timestamp() WHERE id = ANY(%b::uuid[])"
_STATUSES = "SELECT status, count(*) FROM rollcall.deliveries WHERE id = ANY(%b::uuid[]) GROUP BY status"


class _Row(msgspec.Struct):
    id: UUID
    received_at: datetime
    provider: str
    delivery_uuid: str | None
    webhook_id: str | None
    body_sha256: bytes
    status: str
    event: str | None
    error: str | None
    session_id: str | None
    meeting_id: str | None
    subject_id: str | None
    payload: str | None
    raw: bytes | None
    chosen: bool

    @property
    def holds_body(self) -> bool:
        """Whether the row holds its body; a repeat leaves that to the first copy."""
        return self.payload is not None or self.raw is not None

    def read(self, holder: "_Row", scope: Scope | None) -> Reading:
        """Read the body as this row's delivery brought it.

        Args:
            holder: the row that holds it, this one or a copy.
            scope: whose deliveries count now; None: the row counts as it stands.
        """
        body = holder.payload.encode() if holder.payload is not None else holder.raw or b""
        if scope is None:
            reading = read_again(body, self.received_at, self.session_id, self.meeting_id)
        else:
            reading = read(body, self.received_at, self.webhook_id, scope)
        reading.payload, reading.raw = holder.payload, holder.raw
        return reading

    def reads_as(self, reading: Reading) -> bool:
        """Tell whether the row says what the reading says. A repeat does unless it is foreign now."""
        if self.status == Status.REPEAT:
            return reading.status is not Status.FOREIGN
        return (
            self.status == reading.status
            and self.event == reading.event
            and self.error == reading.error
            and self.session_id == reading.session_id
            and self.meeting_id == reading.meeting_id
            and self.subject_id == reading.subject_id
        )

    def kept(self, reading: Reading) -> Kept:
        """Return the delivery that this row is, with a reading, as it would come from the queue."""
        delivery = Delivery(
            self.id, self.received_at, Provider(self.provider), self.delivery_uuid, self.webhook_id, b""
        )
        return Kept(delivery, self.body_sha256, reading)


def replay_sessions(cursor: Cursor, session_ids: Sequence[str], scope: Scope, *, rewrite: bool) -> Counter[Status]:
    """Replay the chosen deliveries of sessions, and make the sessions' tables anew; return the statuses of the chosen.

    Args:
        cursor: in a transaction; its session has the temporary table `chosen`.
        session_ids: the sessions.
        scope: whose deliveries count now.
        rewrite: whether the ledger is to tell, in `processed_at`, of deliveries that read as they did.
    """
    lock(cursor, session_ids)
    return _replay(cursor, _OF_SESSIONS, session_ids, scope, rewrite=rewrite)


def replay_without_session(cursor: Cursor, ids: Sequence[UUID], scope: Scope, *, rewrite: bool) -> Counter[Status]:
    """Replay deliveries that name no session, as `replay_sessions` does."""
    return _replay(cursor, _OF_IDS, ids, scope, rewrite=rewrite)


def _replay(
    cursor: Cursor,
    statement: LiteralString,
    keys: Sequence[str | UUID],
    scope: Scope,
    *,
    rewrite: bool,
) -> Counter[Status]:
    session_ids = [key for key in keys if isinstance(key, str)]
    rows = _fetch(cursor, statement, keys)
    chosen = [row.id for row in rows if row.chosen]
    if rewrite:
        cursor.execute(_PROCESSED_AGAIN, [chosen])
    readings = _read_again(rows, scope)
    changed = [row for row in rows if row.chosen and row.id in readings and not row.reads_as(readings[row.id])]
    if changed:
        entered = _enter_anew(cursor, rows, changed, scope)
        elsewhere = {kept.reading.session_id for kept in entered} - {None, *session_ids}
        write_names(cursor, rebuild_sessions(cursor, {one for one in elsewhere if one is not None}))
        rows = _fetch(cursor, statement, keys)
        readings = _read_again(rows, None)
    facts = [
        (row.id, row.received_at, readings[row.id].facts)
        for row in rows
        if row.status == Status.PROCESSED and row.id in readings
    ]
    write_names(cursor, write_anew(cursor, facts, session_ids))
    statuses = cursor.execute(_STATUSES, [chosen]).fetchall()
    return Counter({Status(status): count for status, count in statuses})


def _fetch(cursor: Cursor, statement: LiteralString, keys: Sequence[str | UUID]) -> list[_Row]:
    return [_Row(*row) for row in cursor.execute(statement, [list(keys)]).fetchall()]


def _read_again(rows: Iterable[_Row], scope: Scope | None) -> dict[UUID, Reading]:
    """Return what the rows read as now, those that were not chosen as they stand; a repeat by its first copy's body."""
    rows = list(rows)
    holders = _holders(rows)
    return {
        row.id: row.read(holders[row.body_sha256], scope if row.chosen else None)
        for row in rows
        if row.body_sha256 in holders
    }


def _holders(rows: Iterable[_Row]) -> dict[bytes, _Row]:
    return {row.body_sha256: row for row in rows if row.holds_body}


def _enter_anew(cursor: Cursor, rows: list[_Row], changed: list[_Row], scope: Scope) -> list[Kept]:
    """Take changed rows and the repeats of them out of the ledger, and settle them as if they came from the queue."""
    repeats = _fetch(cursor, _REPEATS, [row.id for row in changed])
    family = {row.id: row for row in [*repeats, *changed]}
    gone = {row.subject_id for row in changed if row.subject_id is not None}
    # The entries go first: a delivery has one, and may put it elsewhere now, or move that of a fellow update.
    forget_subjects(cursor, sorted(gone))
    cursor.execute(_DELETE_ENTRIES, [[row.id for row in changed]])
    cursor.execute(_DELETE, [list(family)])
    holders = _holders(rows)
    batch = [row.kept(row.read(holders[row.body_sha256], scope)) for row in family.values()]
    settle_batch(cursor, batch)
    _settle_anew(cursor, [(kind, subject_id) for kind in SubjectKind for subject_id in sorted(gone)])
    return batch


def _settle_anew(cursor: Cursor, subjects: Sequence[Subject]) -> None:
    """Settle subjects that have lost updates from those that are left, in whatever sessions these are."""
    lock(cursor, (), subjects)
    settled = settle_subjects(cursor, subjects)
    settled.entries, settled.gone = settled.all_entries, []
    merge = Merge()
    for delivery_id, received_at, facts in sorted(settled.counting, key=lambda one: one[0]):
        merge.add(delivery_id, received_at, facts)
    write_sessions(cursor, merge, settled)
    sessions = {entry.session_id for entry in settled.all_entries}
    sessions |= {one.facts.session.id for one in settled.withdrawn if one.facts.session is not None}
    rebuild_sessions(cursor, {session_id for session_id in sessions if session_id is not None})
    write_names(cursor, merge, settled.withdrawn)
