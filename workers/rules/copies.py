"""Which copies of a status update count.

A recording that resumes after a pause, or a stream that goes live again, can be reported with exactly the same bytes as
before. So for status updates the bytes alone don't distinguish a repeat from a new transition; their order does.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from uuid import UUID

import msgspec

from workers.reading.facts import LivestreamFact, RecordingFact

# A retry comes within seconds; leaving a state and returning to it takes longer than this.
COPY_COUNTS_AFTER = timedelta(seconds=60)


class Update(msgspec.Struct, frozen=True, gc=False):
    """A status update of one subject, as stored in the ledger."""

    id: UUID
    received_at: datetime
    delivery_uuid: str | None
    body_sha256: bytes
    status: str
    session_id: str | None
    states: RecordingFact | LivestreamFact


class Judged(msgspec.Struct, frozen=True, gc=False):
    """An update and the verdict on it: it counts, or it repeats the first copy of its body.

    Attributes:
        update: the update.
        first: the id of the first copy of its body, possibly its own.
        counts: whether it changed the subject's status.
    """

    update: Update
    first: UUID
    counts: bool

    @property
    def is_first(self) -> bool:
        """Whether it is the first copy of its body."""
        return self.first == self.update.id


class _Copies(msgspec.Struct):
    first: UUID
    last_at: datetime
    last_position: int
    delivery_uuids: set[str | None]


def judge(updates: Sequence[Update]) -> list[Judged]:
    """Return the updates of one subject, ordered by id, each with its verdict.

    The first copy of a body counts. A later one counts if its `delivery_uuid` is new, it came more than
    `COPY_COUNTS_AFTER` after the previous copy, and the subject had moved to another status in between.
    """
    judged: list[Judged] = []
    copies: dict[bytes, _Copies] = {}
    for position, update in enumerate(sorted(updates, key=lambda update: update.id.int)):
        known = copies.get(update.body_sha256)
        if known is None:
            known = _Copies(update.id, update.received_at, position, {None, update.delivery_uuid})
            copies[update.body_sha256] = known
            judged.append(Judged(update, update.id, counts=True))
            continue
        counts = (
            update.delivery_uuid not in known.delivery_uuids
            and update.received_at - known.last_at > COPY_COUNTS_AFTER
            and any(
                between.counts and between.update.status != update.status
                for between in judged[known.last_position + 1 :]
            )
        )
        known.last_at = update.received_at
        known.last_position = position
        known.delivery_uuids.add(update.delivery_uuid)
        judged.append(Judged(update, known.first, counts=counts))
    return judged
