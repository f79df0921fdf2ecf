"""The ledger: every accepted delivery is a row of `deliveries`.

The index `deliveries_first_copy` decides which copy of a body is the first: a worker that writes another copy of the
same body waits for the first worker's transaction.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

import msgspec

from workers.queue.delivery import Delivery
from workers.reading.reading import Reading
from workers.tables.arrays import Cursor, write_columns

_KEEP = """
INSERT INTO rollcall.deliveries (
    id, provider, delivery_uuid, webhook_id, event, body_sha256, received_at,
    status, error, repeat_of, session_id, meeting_id, subject_id, payload, raw)
SELECT id, provider, delivery_uuid, webhook_id, event, body_sha256, received_at,
    status, error, repeat_of, session_id, meeting_id, subject_id, payload::jsonb, raw
FROM unnest(
    %b::uuid[], %b::text[], %b::text[], %b::text[], %b::text[], %b::bytea[], %b::timestamptz[],
    %b::text[], %b::text[], %b::uuid[], %b::text[], %b::text[], %b::text[], %b::text[], %b::bytea[]) AS new (
    id, provider, delivery_uuid, webhook_id, event, body_sha256, received_at,
    status, error, repeat_of, session_id, meeting_id, subject_id, payload, raw)
ON CONFLICT DO NOTHING
RETURNING id
"""

# Otherwise deferred constraints and triggers would only fail at the commit, when the row at fault is unknown.
_CHECK_AT_ONCE = "SET CONSTRAINTS ALL IMMEDIATE"
# Before the ledger is read: a lock that is raised after reading could deadlock with a migration.
_WILL_WRITE = "LOCK TABLE rollcall.deliveries IN ROW EXCLUSIVE MODE"
_KINDS = "SELECT DISTINCT event, status FROM rollcall.deliveries WHERE id = ANY(%b::uuid[])"
_KNOWN = "SELECT id FROM rollcall.deliveries WHERE id = ANY(%b::uuid[])"

# The index's third column, verbatim: without it the lookup would scan all copies of a body. LATERAL looks the bodies up
# one by one, so that the planner never prefers to read the whole index.
_FIRST_COPIES = """
SELECT found.id, found.session_id, found.body_sha256, found.status, found.received_at
FROM unnest(%b::text[], %b::bytea[]) AS copy (session_id, body_sha256), LATERAL (
    SELECT first.id, first.session_id, first.body_sha256, first.status, first.received_at
    FROM rollcall.deliveries AS first
    WHERE first.session_id = copy.session_id AND first.body_sha256 = copy.body_sha256
        AND (CASE WHEN first.status IN ('processed', 'unknown', 'quarantined') AND first.subject_id IS NULL
            THEN NULL::uuid ELSE first.id END) IS NULL
    FOR UPDATE) AS found
"""
_FIRST_COPIES_WITHOUT_SESSION = """
SELECT found.id, found.session_id, found.body_sha256, found.status, found.received_at
FROM unnest(%b::bytea[]) AS copy (body_sha256), LATERAL (
    SELECT first.id, first.session_id, first.body_sha256, first.status, first.received_at
    FROM rollcall.deliveries AS first
    WHERE first.session_id IS NULL AND first.body_sha256 = copy.body_sha256
        AND (CASE WHEN first.status IN ('processed', 'unknown', 'quarantined') AND first.subject_id IS NULL
            THEN NULL::uuid ELSE first.id END) IS NULL
    FOR UPDATE) AS found
"""

_BECOME_REPEATS = """
UPDATE rollcall.deliveries AS delivery
SET status = 'repeat', repeat_of = new.first, payload = NULL, raw = NULL, error = NULL
FROM unnest(%b::uuid[], %b::uuid[]) AS new (id, first)
WHERE delivery.id = new.id
"""
_REPEATS_FOLLOW = """
UPDATE rollcall.deliveries AS delivery
SET repeat_of = new.first
FROM unnest(%b::uuid[], %b::uuid[]) AS new (former, first)
WHERE delivery.repeat_of = new.former
"""
# A repeat has no payload; if it turns out to count, it gets that of a copy.
_BECOME_PROCESSED = """
UPDATE rollcall.deliveries AS delivery
SET status = 'processed', repeat_of = NULL, payload = new.payload::jsonb, raw = new.raw, error = new.error
FROM unnest(%b::uuid[], %b::text[], %b::bytea[], %b::text[]) AS new (id, payload, raw, error)
WHERE delivery.id = new.id
"""


class Kept(msgspec.Struct, frozen=True, gc=False):
    """A delivery and what was read from it, on its way into the ledger."""

    delivery: Delivery
    body_sha256: bytes
    reading: Reading
    repeat_of: UUID | None = None


class FirstCopy(NamedTuple):
    """The row of the ledger that is the first copy of a body."""

    id: UUID
    session_id: str | None
    body_sha256: bytes
    status: str
    received_at: datetime


def insert(cursor: Cursor, batch: Sequence[Kept]) -> set[UUID]:
    """Write rows; return the ids of those without conflict: no row with the same id, no first copy of the same body."""
    if not batch:
        return set()
    rows = [
        (
            kept.delivery.id,
            kept.delivery.provider.value,
            kept.delivery.delivery_uuid,
            kept.delivery.webhook_id,
            kept.reading.event,
            kept.body_sha256,
            kept.delivery.received_at,
            kept.reading.status.value,
            kept.reading.error,
            kept.repeat_of,
            kept.reading.session_id,
            kept.reading.meeting_id,
            kept.reading.subject_id,
            kept.reading.payload,
            kept.reading.raw,
        )
        for kept in batch
    ]
    write_columns(cursor, _KEEP, list(zip(*rows, strict=True)))
    return {row[0] for row in cursor.fetchall()}


def known_ids(cursor: Cursor, ids: Sequence[UUID]) -> set[UUID]:
    """Return those of the ids that are in the ledger."""
    return {row[0] for row in cursor.execute(_KNOWN, [list(ids)]).fetchall()}


def kinds_of(cursor: Cursor, ids: Sequence[UUID]) -> set[tuple[str | None, str]]:
    """Return the kinds (event and status) of the deliveries that are in the ledger."""
    return set(cursor.execute(_KINDS, [list(ids)]).fetchall())


def check_at_once(cursor: Cursor) -> None:
    """Make deferred constraints and triggers run with each statement of the transaction, not at the commit."""
    cursor.execute(_CHECK_AT_ONCE)
    cursor.execute(_WILL_WRITE)


def first_copies(cursor: Cursor, bodies: Sequence[tuple[str | None, bytes]]) -> list[FirstCopy]:
    """Return and lock the existing first copies of bodies.

    Args:
        cursor: in a transaction.
        bodies: for each the session that it names, and its SHA-256.
    """
    with_session = [body for body in bodies if body[0] is not None]
    without = [body[1] for body in bodies if body[0] is None]
    rows: list[tuple[Any, ...]] = []
    if with_session:
        sessions, hashes = zip(*with_session, strict=True)
        rows += cursor.execute(_FIRST_COPIES, [list(sessions), list(hashes)]).fetchall()
    if without:
        rows += cursor.execute(_FIRST_COPIES_WITHOUT_SESSION, [without]).fetchall()
    return [FirstCopy(*row) for row in rows]


def become_repeats(cursor: Cursor, ids: Sequence[UUID], firsts: Sequence[UUID]) -> None:
    """Turn rows of the ledger into repeats of the given first copies."""
    if ids:
        write_columns(cursor, _BECOME_REPEATS, (ids, firsts))


def repeats_follow(cursor: Cursor, former: Sequence[UUID], firsts: Sequence[UUID]) -> None:
    """Turn the repeats of former first copies into repeats of the current ones."""
    if former:
        write_columns(cursor, _REPEATS_FOLLOW, (former, firsts))


def become_processed(
    cursor: Cursor, ids: Sequence[UUID], bodies: Sequence[tuple[str | None, bytes | None, str | None]]
) -> None:
    """Make rows that were repeats count; each gets its body: payload, raw bytes, and what can't be read of it."""
    if ids:
        write_columns(cursor, _BECOME_PROCESSED, (ids, *zip(*bodies, strict=True)))
