"""Parking: sets messages that this version can't read aside, so that they do not block others.

Nothing is dropped: a worker that can read a parked message requeues it, and so can an operator.
"""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from workers.queue.envelope import read_message
from workers.queue.message import ACTOR_NAME, OBSERVING_ACTOR_NAME, decode_answers, decode_group
from workers.queue.unreadable import UnreadableError


@dataclass(frozen=True, slots=True)
class Parked:
    """A parked message.

    Attributes:
        id: the queue's id of the message; None if it has none.
        parked_at: when it was parked, UTC; None if unknown.
        actor: the actor it names; None if it names none.
        size: bytes, as stored in the queue.
        reason: why it could not be read: one of `workers.queue.unreadable.Unreadable`, possibly of another version.
        body: the raw message; None if it was not requested. It may contain secrets.
        place: its position among the parked messages, valid on the connection that listed it.
    """

    id: str | None
    parked_at: datetime | None
    actor: str | None
    size: int
    reason: str
    body: bytes | None = field(repr=False)
    place: int


class ParkedMessages(Protocol):
    """The parked messages of a queue, on a separate connection. Not thread-safe.

    Every method raises `workers.queue.publisher.QueueAwayError` if the queue does not answer.
    """

    def count(self) -> int:
        """Return the number of parked messages."""

    def look(self, most_bytes: int | None = None) -> Iterator[Parked]:
        """Return the parked messages, oldest first, without removing them.

        Args:
            most_bytes: the largest body to include; None to include every body.
        """

    def take_back(self, parked: Sequence[Parked]) -> None:
        """Requeue messages that this connection listed."""

    def remove(self, parked: Sequence[Parked]) -> None:
        """Delete messages that this connection listed."""

    def close(self) -> None:
        """Close the connection."""


def is_readable(body: bytes | None, actors: Collection[str]) -> bool:
    """Return whether a version with these actors can read a message, including what it carries."""
    try:
        message = read_message(body, actors)
        if message.actor_name == ACTOR_NAME:
            decode_group(message.args[0])
        if message.actor_name == OBSERVING_ACTOR_NAME:
            decode_answers(message.args[0])
    except UnreadableError:
        return False
    return True
