"""Settling a group of deliveries: one transaction that makes them rows of the ledger and of the tables.

    read → lock → ledger (repeats) → subjects → merge → write → rebuild what was withdrawn → names → marks

Any order, batching and repetition of deliveries gives the same tables.
"""

from collections.abc import Sequence
from typing import Any

import msgspec
import psycopg
import structlog

from runtime.database_errors import Cause, cause_of
from workers.queue.delivery import Delivery
from workers.reading.reading import Reading, body_identity, read
from workers.reading.scope import Scope
from workers.reading.status import Status
from workers.reading.stream_key import overwrite_stream_keys
from workers.rules.merge import Merge
from workers.settling.names import write_names
from workers.settling.rebuild import rebuild_sessions
from workers.settling.repeats import keep_in_ledger
from workers.settling.settlement import Settlement, settlement
from workers.settling.subjects import settle_subjects, subjects_of
from workers.settling.write import write_sessions
from workers.tables.arrays import Cursor
from workers.tables.ledger import Kept
from workers.tables.locks import lock
from workers.tables.marks import mark

log = structlog.get_logger()


def settle(connection: psycopg.Connection[Any], deliveries: Sequence[Delivery], scope: Scope) -> Settlement:
    """Write a group of deliveries into the ledger and the tables, in the transaction that is open.

    A delivery whose data the tables reject is quarantined with the reason; the others are settled.

    Returns:
        The result, if the transaction commits.

    Raises:
        psycopg.Error: the data is not the cause (see `runtime.database_errors`); the transaction can't commit.
    """
    batch = [read_delivery(delivery, scope) for delivery in deliveries]
    with connection.cursor() as cursor:
        return settle_batch(cursor, batch)


def quarantine(
    connection: psycopg.Connection[Any], delivery: Delivery, scope: Scope, error: psycopg.Error
) -> Settlement:
    """Keep a delivery that the tables reject with `error` as quarantined, in the transaction that is open.

    Raises:
        psycopg.Error: the ledger rejects it too, or the database is unreachable.
    """
    with connection.cursor() as cursor:
        return settle_batch(cursor, [_quarantined(read_delivery(delivery, scope), _reason(error))])


def read_delivery(delivery: Delivery, scope: Scope) -> Kept:
    """Return a delivery with what its body states; quarantined, if our code fails to read it."""
    return Kept(delivery, body_identity(delivery.body), _read(delivery, scope))


def settle_batch(cursor: Cursor, batch: Sequence[Kept]) -> Settlement:
    """Settle deliveries that have been read; quarantine those that can't be settled.

    Raises:
        psycopg.Error: as `settle`.
    """
    try:
        # A pipeline sends statements that return nothing in one go.
        with cursor.connection.pipeline(), cursor.connection.transaction():
            done = _settle_all(cursor, batch)
        # Marking was the last statement, and is answered only now: it writes nothing while there is no endpoint.
        return msgspec.structs.replace(done, is_marked=done.is_marked and cursor.rowcount > 0)
    except Exception as error:
        if isinstance(error, psycopg.Error) and cause_of(error) is not Cause.DATA:
            raise
        if len(batch) > 1:
            half = len(batch) // 2
            return settle_batch(cursor, batch[:half]) + settle_batch(cursor, batch[half:])
        (kept,) = batch
        if kept.reading.status is Status.QUARANTINED and kept.reading.payload is None:
            raise
        reason = _reason(error)
        log.warning("delivery_not_taken", delivery_id=str(kept.delivery.id), reason=reason)
        return settle_batch(cursor, [_quarantined(kept, reason)])


def _read(delivery: Delivery, scope: Scope) -> Reading:
    try:
        return read(delivery.body, delivery.received_at, delivery.webhook_id, scope)
    except Exception as error:
        reason = type(error).__name__
        log.exception("delivery_not_read", delivery_id=str(delivery.id), reason=reason)
        return Reading(
            Status.QUARANTINED,
            error=f"this version fails to read it ({reason}); replay it with a newer version",
            raw=overwrite_stream_keys(delivery.body),
        )


def _settle_all(cursor: Cursor, batch: Sequence[Kept]) -> Settlement:
    lock(
        cursor,
        {kept.reading.session_id for kept in batch if kept.reading.session_id is not None},
        subjects_of(batch),
    )
    outcome = keep_in_ledger(cursor, batch)
    processed = [kept for kept in outcome.new if kept.reading.status is Status.PROCESSED]
    plain = [kept for kept in processed if kept.reading.subject_id is None]
    updates = [kept for kept in processed if kept.reading.subject_id is not None]
    settled = settle_subjects(cursor, subjects_of(updates), updates)

    stated = [(k.delivery.id, k.delivery.received_at, k.reading.facts) for k in plain if k.reading.facts is not None]
    merge = Merge.of(stated + settled.counting)
    write_sessions(cursor, merge, settled)
    withdrawn = outcome.withdrawn + settled.withdrawn
    rebuilt = {one.facts.session.id for one in withdrawn if one.facts.session is not None}
    rebuild_sessions(cursor, rebuilt)
    write_names(cursor, merge, withdrawn)
    counted = {delivery_id for delivery_id, _, _ in settled.counting}
    uncounted = sum(kept.delivery.id not in counted for kept in updates)
    changed = {*merge.sessions, *rebuilt, *settled.sessions}
    done = settlement(len(batch), outcome.known, outcome.new, uncounted, changed)
    quarantined = [str(delivery_id) for delivery_id, _ in done.quarantined]
    return msgspec.structs.replace(done, is_marked=mark(cursor, done.sessions, settled.streams, quarantined))


def _reason(error: Exception) -> str:
    """Return the kind of error, not its text, which may quote the delivery's content."""
    code = error.sqlstate if isinstance(error, psycopg.Error) else None
    return f"{type(error).__name__}, SQLSTATE {code}" if code else type(error).__name__


def _quarantined(kept: Kept, reason: str) -> Kept:
    read_before = kept.reading
    reading = Reading(
        Status.QUARANTINED,
        error=f"the database rejects its data ({reason}); replay it with a newer version",
        raw=read_before.payload.encode() if read_before.payload is not None else read_before.raw,
    )
    return Kept(kept.delivery, kept.body_sha256, reading)
