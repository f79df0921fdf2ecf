"""Parking: where a message waits that this version can't read, so that no other waits behind it.

Nothing is thrown away: a worker that can read a parked message puts it back into the queue, and so can an operator.
"""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from workers.queue.envelope import read_message
from workers.queue.message import ACTOR_NAME, decode_group
from workers.queue.unreadable import UnreadableError


@dataclass(frozen=True, slots=True)
class Parked:
    """A message that is parked.

    Attributes:
        id: what its queue calls it; None where it has no name.
        parked_at: when, UTC; None where it can't be told.
        actor: that it names; None where it names none.
        size: bytes, as it lies in the queue.
        reason: why it could not be read: one of `workers.queue.unreadable.Unreadable`, perhaps of another version.
        body: the message as it is; None where it was not asked for. It may hold secrets.
        place: where it is among the parked ones, for the connection that found it.
    """

    id: str | None
    parked_at: datetime | None
    actor: str | None
    size: int
    reason: str
    body: bytes | None = field(repr=False)
    place: int


class ParkedMessages(Protocol):
    """The parked messages of a queue, on a connection of their own. For one thread.

    Every method raises `workers.queue.publisher.QueueAwayError` where the queue does not answer.
    """

    def count(self) -> int:
        """Return how many there are."""

    def look(self, most_bytes: int | None = None) -> Iterator[Parked]:
        """Return those that are there now, the oldest first; they stay parked.

        Args:
            most_bytes: of a body that is wanted; without it every one is, however large.
        """

    def take_back(self, parked: Sequence[Parked]) -> None:
        """Put messages that this connection found back into the queue."""

    def remove(self, parked: Sequence[Parked]) -> None:
        """Take messages that this connection found out for good."""

    def close(self) -> None:
        """Let go of the connection."""


def is_readable(body: bytes | None, actors: Collection[str]) -> bool:
    """Tell whether a version with these actors can read a message, what it carries included."""
    try:
        message = read_message(body, actors)
        if message.actor_name == ACTOR_NAME:
            decode_group(message.args[0])
    except UnreadableError:
        return False
    return True
