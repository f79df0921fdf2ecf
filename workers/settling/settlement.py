"""The result of settling a group of deliveries, for metrics and logs."""

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from typing import Any
from uuid import UUID

import msgspec
import psycopg

from workers.queue.delivery import Delivery
from workers.reading.scope import Scope
from workers.reading.status import Status
from workers.tables.ledger import Kept


class Settlement(msgspec.Struct, frozen=True):
    """How many deliveries are new to the ledger, and which of them are quarantined.

    Attributes:
        statuses: new rows of the ledger by status.
        known: deliveries that were already in the ledger: their message came twice.
        quarantined: id and reason of the deliveries with that status.
        sessions: those with a row written or removed in any table but the ledger: the session itself, its participants
            and their events, its recordings, artifacts and timeline. Known, repeated, foreign, unreadable and unknown
            deliveries change none.
        is_marked: whether `automations` has something to look at.
    """

    statuses: Counter[Status]
    known: int = 0
    quarantined: tuple[tuple[UUID, str], ...] = ()
    sessions: frozenset[str] = frozenset()
    is_marked: bool = False

    def __add__(self, other: "Settlement") -> "Settlement":
        """Return the sum of both."""
        return Settlement(
            self.statuses + other.statuses,
            self.known + other.known,
            self.quarantined + other.quarantined,
            self.sessions | other.sessions,
            self.is_marked or other.is_marked,
        )


Settle = Callable[[psycopg.Connection[tuple[Any, ...]], Sequence[Delivery], Scope], Settlement]
"""Writes deliveries to the tables inside the caller's transaction. Idempotent."""

NOTHING = Settlement(Counter())
"""The result of no deliveries."""


def settlement(batch: int, known: int, new: Iterable[Kept], uncounted: int, sessions: Iterable[str]) -> Settlement:
    """Return the result of a batch.

    Args:
        batch: the number of deliveries in it.
        known: how many of them were in the ledger before.
        new: those written to the ledger that are not copies of a known body.
        uncounted: how many of the new ones are status updates that turned out to be repeats.
        sessions: the sessions that it changed.
    """
    new = list(new)
    statuses = Counter(kept.reading.status for kept in new)
    statuses[Status.PROCESSED] -= uncounted
    statuses[Status.REPEAT] = batch - known - len(new) + uncounted
    quarantined = tuple(
        (kept.delivery.id, kept.reading.error or "") for kept in new if kept.reading.status is Status.QUARANTINED
    )
    return Settlement(+statuses, known, quarantined, frozenset(sessions))
