"""Replaying rows of the ledger: each is read again; where it reads differently now, it enters the ledger anew."""

from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import LiteralString
from uuid import UUID

import msgspec

from workers.queue.delivery import Delivery, Provider
from workers.reading.reading import Reading, read
from workers.scope import Scope
from workers.settle import settle_batch
from workers.status import Status
from workers.tables.ledger import Kept
from workers.tables.locks import lock
from workers.tables.rows import Cursor
from workers.tables.subjects import forget_subjects
from workers.tables.withdrawal import rebuild_sessions, write_anew, write_names

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
FROM rollcall.deliveries AS delivery LEFT JOIN chosen USING (id)
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

    def read(self, scope: Scope, body: "_Row | None" = None) -> Reading | None:
        """Read the body that this row, or the row of another copy, holds; None where there is none."""
        holder = body or self
        held = holder.payload.encode() if holder.payload is not None else holder.raw
        if held is None:
            return None
        reading = read(held, self.webhook_id, scope)
        reading.payload, reading.raw = holder.payload, holder.raw
        return reading

    def reads_as(self, reading: Reading) -> bool:
        """Tell whether the row says what the reading says."""
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

    Parameters:
        cursor: in a transaction; its session has the temporary table `chosen`.
        session_ids: the sessions.
        scope: whose deliveries count now.
        rewrite: whether the ledger is to tell, in `processed_at`, of deliveries that read as they did.
    """
    lock(cursor, session_ids)
    rows = _fetch(cursor, _OF_SESSIONS, session_ids)
    readings, changed = _read_again(rows, scope)
    if changed:
        return _enter_anew(cursor, rows, changed, scope)
    if rewrite:
        cursor.execute(_PROCESSED_AGAIN, [[row.id for row in rows if row.chosen]])
    processed = [row for row in rows if row.status == Status.PROCESSED]
    facts = [(row.id, row.received_at, readings[row.id].facts) for row in processed if row.id in readings]
    write_names(cursor, write_anew(cursor, facts, session_ids))
    return Counter(Status(row.status) for row in rows if row.chosen)


def replay_without_session(cursor: Cursor, ids: Sequence[UUID], scope: Scope, *, rewrite: bool) -> Counter[Status]:
    """Replay deliveries that name no session, as `replay_sessions` does."""
    rows = _fetch(cursor, _OF_IDS, ids)
    readings, changed = _read_again(rows, scope)
    if changed:
        return _enter_anew(cursor, rows, changed, scope)
    if rewrite:
        cursor.execute(_PROCESSED_AGAIN, [list(ids)])
    processed = [row for row in rows if row.status == Status.PROCESSED and row.id in readings]
    facts = [(row.id, row.received_at, readings[row.id].facts) for row in processed]
    write_names(cursor, write_anew(cursor, facts, ()))
    return Counter(Status(row.status) for row in rows)


def _fetch(cursor: Cursor, statement: LiteralString, keys: Sequence[str | UUID]) -> list[_Row]:
    return [_Row(*row) for row in cursor.execute(statement, [list(keys)]).fetchall()]


def _read_again(rows: Iterable[_Row], scope: Scope) -> tuple[dict[UUID, Reading], list[_Row]]:
    """Return the readings of rows that hold a body, and those of the chosen rows that read differently now.

    A repeat reads as its first copy does. A delivery that the database itself refused is always tried again.
    """
    readings: dict[UUID, Reading] = {}
    changed: list[_Row] = []
    for row in rows:
        reading = row.read(scope if row.chosen else Scope())
        if reading is None:
            continue
        readings[row.id] = reading
        if row.chosen and row.status != Status.REPEAT and not row.reads_as(reading):
            changed.append(row)
    return readings, changed


def _enter_anew(cursor: Cursor, rows: list[_Row], changed: list[_Row], scope: Scope) -> Counter[Status]:
    """Take changed rows and the repeats of them out of the ledger, and settle them as if they came from the queue."""
    holders = {row.body_sha256: row for row in changed}
    family = {row.id: row for row in [*changed, *_fetch(cursor, _REPEATS, [row.id for row in changed])]}
    cursor.execute(_DELETE, [list(family)])
    batch: list[Kept] = []
    for row in family.values():
        reading = row.read(scope, body=holders[row.body_sha256])
        if reading is not None:
            batch.append(row.kept(reading))
    settle_batch(cursor, batch)
    forget_subjects(cursor, sorted({row.subject_id for row in changed if row.subject_id is not None}))
    sessions = {row.session_id for row in rows} | {kept.reading.session_id for kept in batch}
    write_names(cursor, rebuild_sessions(cursor, {one for one in sessions if one is not None}))
    chosen = [row.id for row in rows if row.chosen]
    return Counter({Status(status): count for status, count in cursor.execute(_STATUSES, [chosen]).fetchall()})
