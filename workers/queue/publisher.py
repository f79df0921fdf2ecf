"""What the receiver needs of a queue, whichever it is."""

from typing import Any, Protocol

from dramatiq import Message
from dramatiq.errors import BrokerConnectionError

from runtime.logs import LoggableError
from workers.errors import WorkersError


class QueueAwayError(WorkersError, LoggableError, BrokerConnectionError):
    """The queue did not do what it was asked for. A message that was on its way may or may not be in it."""

    REMEDY = "Look at the server that BROKER_URL names; what it did not take is kept, and sent again."

    def __init__(self, what_happened: str) -> None:
        super().__init__(f"{what_happened} {self.REMEDY}")


class QueueRefusesError(QueueAwayError):
    """The queue answers and does not do it: its tables are not those of this version, or we lack a right."""


class Publisher(Protocol):
    """One connection to the queue, for one thread; only `abort` is for any thread."""

    def enqueue(self, message: Message[Any]) -> Message[Any]:
        """Publish by one try; return once the queue has made the message durable.

        Raises:
            QueueAwayError: it may or may not be in the queue.
        """

    def keep_alive(self) -> None:
        """Connect if need be and serve heartbeats; to be called every few seconds.

        Raises:
            QueueAwayError: the queue is away.
        """

    def abort(self) -> None:
        """Make a call that is under way in another thread fail soon."""

    def close(self) -> None:
        """Let go of the connection."""
