"""The interface to the queue that the receiver uses."""

from typing import Any, Protocol

from dramatiq import Message
from dramatiq.errors import BrokerConnectionError

from runtime.logs import LoggableError
from workers.errors import WorkersError


class QueueAwayError(WorkersError, LoggableError, BrokerConnectionError):
    """A queue operation failed. A message being published may or may not be in the queue."""

    REMEDY = "Check the server that BROKER_URL names; what it did not accept is kept and sent again."

    def __init__(self, what_happened: str) -> None:
        super().__init__(f"{what_happened} {self.REMEDY}")


class QueueRefusesError(QueueAwayError):
    """The queue refuses the operation: its tables are of another version, or the user lacks a privilege."""


class Publisher(Protocol):
    """One connection to the queue. Only `abort` is thread-safe."""

    def enqueue(self, message: Message[Any]) -> Message[Any]:
        """Publish in one attempt; return once the queue has made the message durable.

        Raises:
            QueueAwayError: it may or may not be in the queue.
        """

    def keep_alive(self) -> None:
        """Connect if necessary and send heartbeats; call it every few seconds.

        Raises:
            QueueAwayError: the queue is away.
        """

    def abort(self) -> None:
        """Make a pending call in another thread fail soon."""

    def close(self) -> None:
        """Close the connection."""
