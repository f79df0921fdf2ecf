"""What settling a group of deliveries came to, for figures and logs."""

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
        known: deliveries that were in the ledger already: their message came twice.
        quarantined: id and reason of those with that status.
        sessions: those of which a row was written or removed in any table but the ledger: the session itself, its
            participants and their events, its recordings, artifacts and timeline. Deliveries that were known, repeats,
            foreign ones, those that could not be read and those of an unknown kind change none.
    """

    statuses: Counter[Status]
    known: int = 0
    quarantined: tuple[tuple[UUID, str], ...] = ()
    sessions: frozenset[str] = frozenset()

    def __add__(self, other: "Settlement") -> "Settlement":
        """Return what both came to."""
        return Settlement(
            self.statuses + other.statuses,
            self.known + other.known,
            self.quarantined + other.quarantined,
            self.sessions | other.sessions,
        )


Settle = Callable[[psycopg.Connection[tuple[Any, ...]], Sequence[Delivery], Scope], Settlement]
"""Writes what deliveries mean, inside the caller's transaction; may be done again with the same deliveries."""

NOTHING = Settlement(Counter())
"""What no deliveries come to."""


def settlement(batch: int, known: int, new: Iterable[Kept], uncounted: int, sessions: Iterable[str]) -> Settlement:
    """Return what a batch came to.

    Args:
        batch: deliveries in it.
        known: of them, those that were in the ledger before.
        new: of them, those that are in the ledger now and were no copies of a body that is there.
        uncounted: of the new ones, status updates that turned out to be repeats.
        sessions: those that it changed.
    """
    new = list(new)
    statuses = Counter(kept.reading.status for kept in new)
    statuses[Status.PROCESSED] -= uncounted
    statuses[Status.REPEAT] = batch - known - len(new) + uncounted
    quarantined = tuple(
        (kept.delivery.id, kept.reading.error or "") for kept in new if kept.reading.status is Status.QUARANTINED
    )
    return Settlement(+statuses, known, quarantined, frozenset(sessions))
