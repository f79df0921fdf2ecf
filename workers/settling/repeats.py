"""Writes a batch into the ledger and recognises repeats: of the copies of one body, exactly one is the first.

The first copy is the one received first, whichever is processed first: a delayed delivery replaces a later copy. Status
updates are left to `workers.settling.subjects`: for those the bytes alone don't identify a repeat.
"""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from uuid import UUID

import msgspec

from workers.reading.facts import Facts
from workers.reading.status import Status
from workers.reading.stored import Stored
from workers.tables.arrays import Cursor
from workers.tables.ledger import FirstCopy, Kept, become_repeats, first_copies, insert, known_ids, repeats_follow

_Body = tuple[str | None, bytes]


class Withdrawn(msgspec.Struct, frozen=True):
    """A processed delivery that has become a repeat: what it put into the tables is now attributed to the first copy.

    Attributes:
        former: the delivery.
        first: the first copy of its body.
        facts: what it stated.
        first_facts: what the first copy states; less if a time lies too far ahead; None: nothing.
    """

    former: UUID
    first: UUID
    facts: Facts
    first_facts: Facts | None


@dataclass(slots=True)
class Outcome:
    """The result of writing a batch into the ledger, filled as it proceeds.

    Attributes:
        new: the deliveries that are new to the ledger and not repeats, ordered by id.
        withdrawn: deliveries of earlier batches that were replaced by a copy received earlier.
        known: how many were already in the ledger: their message came twice.
    """

    new: list[Kept]
    withdrawn: list[Withdrawn] = field(default_factory=list)
    known: int = 0


def keep_in_ledger(cursor: Cursor, batch: Sequence[Kept]) -> Outcome:
    """Write a batch into the ledger. A delivery that is already there (its message came twice) is left unchanged."""
    once = {kept.delivery.id.int: kept for kept in batch}
    # The order of the index keeps two workers with the same bodies from waiting for each other; within one body the
    # earliest copy goes first and so becomes the first.
    ordered = sorted(
        once.values(), key=lambda kept: (kept.reading.session_id or "", kept.body_sha256, kept.delivery.id.int)
    )
    written = insert(cursor, ordered)
    outcome = Outcome(ordered, known=len(batch) - len(ordered))
    if len(written) < len(ordered):
        outcome.new = [kept for kept in ordered if kept.delivery.id in written]
        rest = [kept for kept in ordered if kept.delivery.id not in written]
        known = known_ids(cursor, [kept.delivery.id for kept in rest])
        outcome.known += len(known)
        _keep_copies(cursor, [kept for kept in rest if kept.delivery.id not in known], outcome)
    outcome.new.sort(key=lambda kept: kept.delivery.id.int)
    return outcome


def _keep_copies(cursor: Cursor, copies: list[Kept], outcome: Outcome) -> None:
    """Write deliveries whose body is already in the ledger: as repeats, or replacing a copy received later."""
    by_body: dict[_Body, list[Kept]] = defaultdict(list)
    for copy in copies:
        by_body[copy.reading.session_id, copy.body_sha256].append(copy)
    while by_body:
        repeats: list[Kept] = []
        for first in first_copies(cursor, list(by_body)):
            of_body = by_body.pop((first.session_id, bytes(first.body_sha256)))
            earliest = min(of_body, key=lambda kept: kept.delivery.id)
            first_id = first.id
            if earliest.delivery.id < first_id:
                of_body.remove(earliest)
                _take_over(cursor, earliest, first, outcome)
                first_id = earliest.delivery.id
            repeats += [_as_repeat(kept, first_id) for kept in of_body]
        insert(cursor, sorted(repeats, key=lambda kept: kept.delivery.id))
        if by_body:
            # Another worker's copy became the first, or was withdrawn, between our two statements: look again.
            by_body = _insert_first_copies(cursor, by_body, outcome)


def _insert_first_copies(cursor: Cursor, by_body: dict[_Body, list[Kept]], outcome: Outcome) -> dict[_Body, list[Kept]]:
    """Write deliveries whose body no longer has a first copy; return those whose body has one again."""
    copies = [kept for of_body in by_body.values() for kept in of_body]
    written = insert(cursor, sorted(copies, key=lambda kept: (kept.body_sha256, kept.delivery.id)))
    outcome.new += [kept for kept in copies if kept.delivery.id in written]
    rest = {body: [kept for kept in of_body if kept.delivery.id not in written] for body, of_body in by_body.items()}
    return {body: of_body for body, of_body in rest.items() if of_body}


def _take_over(cursor: Cursor, earliest: Kept, first: FirstCopy, outcome: Outcome) -> None:
    """Make a delivery the first copy of its body, replacing one that was received later."""
    first_id, reading = earliest.delivery.id, earliest.reading
    become_repeats(cursor, [first.id], [first_id])
    repeats_follow(cursor, [first.id], [first_id])
    insert(cursor, [earliest])
    outcome.new = [kept for kept in outcome.new if kept.delivery.id != first.id]
    outcome.new.append(earliest)
    facts = reading.facts
    if not reading.reads_the_same_later:
        names = (reading.session_id, reading.meeting_id)
        facts = Stored(first.id, first.received_at, *names, reading.payload, reading.raw).facts()
    if first.status == Status.PROCESSED and facts is not None:
        outcome.withdrawn.append(Withdrawn(first.id, first_id, facts, reading.facts))


def _as_repeat(kept: Kept, first: UUID) -> Kept:
    """Return a delivery as a repeat of `first`, without a second copy of the payload."""
    reading = msgspec.structs.replace(
        kept.reading, status=Status.REPEAT, payload=None, raw=None, error=None, facts=None
    )
    return msgspec.structs.replace(kept, reading=reading, repeat_of=first)
