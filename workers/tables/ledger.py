"""The ledger: every delivery kept is a row of `deliveries`, and of one body one copy is the first.

The index `deliveries_first_copy` decides which: a second worker that writes a copy of the same body waits for the
first one's transaction. The first copy is the one received first, whichever is processed first: one that was held up
takes over from a later one. Status updates are left to `subjects`: of them the bytes alone don't tell a repeat.
"""

from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

import msgspec

from workers.queue.delivery import Delivery
from workers.reading.facts import Facts
from workers.reading.reading import Reading
from workers.reading.status import Status
from workers.tables.arrays import Cursor, write_columns
from workers.tables.stored import facts_of

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

_KNOWN = "SELECT id FROM rollcall.deliveries WHERE id = ANY(%b::uuid[])"

# A first copy's third column in the index, word for word: without it the search would go through all copies of a body.
# Looked up one by one (LATERAL), so that it never seems cheaper to read the whole index.
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


class Kept(msgspec.Struct):
    """A delivery and what was read from it, on its way into the ledger."""

    delivery: Delivery
    body_sha256: bytes
    reading: Reading
    repeat_of: UUID | None = None


class Withdrawn(msgspec.Struct):
    """A processed delivery that is a repeat from now on: what it put into the tables is the first copy's word now.

    Attributes:
        former: the delivery.
        first: the first copy of its body.
        facts: what it stated.
        first_facts: what the first copy states: less, where a time lay too far ahead of its receipt; None: nothing.
    """

    former: UUID
    first: UUID
    facts: Facts
    first_facts: Facts | None


class Outcome(msgspec.Struct):
    """What writing a batch into the ledger came to.

    Attributes:
        new: the deliveries that are new to the ledger and no repeats, in the order of their ids.
        withdrawn: those of earlier batches that a copy received earlier took over from.
        known: how many were in the ledger already: their message came twice.
    """

    new: list[Kept]
    withdrawn: list[Withdrawn]
    known: int = 0


def keep_in_ledger(cursor: Cursor, batch: Sequence[Kept]) -> Outcome:
    """Write a batch into the ledger. A delivery that is there already (its message came twice) is left as it is."""
    once = {kept.delivery.id.int: kept for kept in batch}
    # The order of the index keeps two workers with the same bodies from waiting for each other; within one body the
    # earliest copy goes first and so becomes the first.
    ordered = sorted(
        once.values(), key=lambda kept: (kept.reading.session_id or "", kept.body_sha256, kept.delivery.id.int)
    )
    written = _insert(cursor, ordered)
    outcome = Outcome(ordered, [], known=len(batch) - len(ordered))
    if len(written) < len(ordered):
        outcome.new = [kept for kept in ordered if kept.delivery.id in written]
        rest = [kept for kept in ordered if kept.delivery.id not in written]
        known = cursor.execute(_KNOWN, [[kept.delivery.id for kept in rest]]).fetchall()
        known_ids = {row[0] for row in known}
        outcome.known += len(known_ids)
        _keep_copies(cursor, [kept for kept in rest if kept.delivery.id not in known_ids], outcome)
    outcome.new.sort(key=lambda kept: kept.delivery.id.int)
    return outcome


def _keep_copies(cursor: Cursor, copies: list[Kept], outcome: Outcome) -> None:
    """Write deliveries whose bodies others have: as repeats, or in place of those that were received later."""
    by_body: dict[tuple[str | None, bytes], list[Kept]] = defaultdict(list)
    for copy in copies:
        by_body[copy.reading.session_id, copy.body_sha256].append(copy)
    while by_body:
        repeats: list[Kept] = []
        for first_id, session_id, body_sha256, status, received_at in _first_copies(cursor, list(by_body)):
            of_body = by_body.pop((session_id, bytes(body_sha256)))
            earliest = min(of_body, key=lambda kept: kept.delivery.id)
            if earliest.delivery.id < first_id:
                of_body.remove(earliest)
                _take_over(cursor, earliest, first_id)
                outcome.new = [kept for kept in outcome.new if kept.delivery.id != first_id]
                outcome.new.append(earliest)
                facts = _facts_of_copy(earliest.reading, received_at)
                if status == Status.PROCESSED and facts is not None:
                    outcome.withdrawn.append(Withdrawn(first_id, earliest.delivery.id, facts, earliest.reading.facts))
                first_id = earliest.delivery.id  # noqa: PLW2901 - the row names the former first
            repeats += [as_repeat(kept, first_id) for kept in of_body]
        _insert(cursor, sorted(repeats, key=lambda kept: kept.delivery.id))
        if by_body:
            # Another worker's copy took over, or was withdrawn, between our two statements: look again.
            rest = [kept for of_body in by_body.values() for kept in of_body]
            written = _insert(cursor, sorted(rest, key=lambda kept: (kept.body_sha256, kept.delivery.id)))
            outcome.new += [kept for kept in rest if kept.delivery.id in written]
            for key, of_body in list(by_body.items()):
                by_body[key] = [kept for kept in of_body if kept.delivery.id not in written]
                if not by_body[key]:
                    del by_body[key]


def as_repeat(kept: Kept, first: UUID) -> Kept:
    """Return a delivery as a repeat of `first`: it holds no second copy of the payload."""
    reading = msgspec.structs.replace(
        kept.reading, status=Status.REPEAT, payload=None, raw=None, error=None, facts=None
    )
    return msgspec.structs.replace(kept, reading=reading, repeat_of=first)


def become_repeats(cursor: Cursor, ids: Sequence[UUID], firsts: Sequence[UUID]) -> None:
    """Make rows of the ledger repeats of the first copies given."""
    if ids:
        write_columns(cursor, _BECOME_REPEATS, (ids, firsts))


def repeats_follow(cursor: Cursor, former: Sequence[UUID], firsts: Sequence[UUID]) -> None:
    """Make the repeats of former first copies repeats of the present ones."""
    if former:
        write_columns(cursor, _REPEATS_FOLLOW, (former, firsts))


def _take_over(cursor: Cursor, earliest: Kept, former: UUID) -> None:
    become_repeats(cursor, [former], [earliest.delivery.id])
    repeats_follow(cursor, [former], [earliest.delivery.id])
    _insert(cursor, [earliest])


def _facts_of_copy(reading: Reading, received_at: datetime) -> Facts | None:
    """Return what another copy of a body states that was received later."""
    if reading.reads_the_same_later:
        return reading.facts
    return facts_of(reading.payload, reading.raw, received_at, reading.session_id, reading.meeting_id)


def _first_copies(
    cursor: Cursor, bodies: Sequence[tuple[str | None, bytes]]
) -> list[tuple[UUID, str | None, bytes, str, datetime]]:
    with_session = [body for body in bodies if body[0] is not None]
    without = [body[1] for body in bodies if body[0] is None]
    rows: list[tuple[UUID, str | None, bytes, str, datetime]] = []
    if with_session:
        sessions, hashes = zip(*with_session, strict=True)
        rows += cursor.execute(_FIRST_COPIES, [list(sessions), list(hashes)]).fetchall()
    if without:
        rows += cursor.execute(_FIRST_COPIES_WITHOUT_SESSION, [without]).fetchall()
    return rows


def _insert(cursor: Cursor, batch: Sequence[Kept]) -> set[UUID]:
    """Write rows; return the ids of those that met no row of the same id and no first copy of the same body."""
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
