"""Only what committed is acknowledged: the policy that both queues' consumers follow.

Dramatiq acknowledges a message whose actor raised, and moves one that it can't place to a dead-letter queue that
expires. Here a message is let go of for one reason: its actor returned, and it returns only after its commit. One that
this version can't read is parked, so that the others need not wait behind it. Everything else goes back to the queue,
after a pause so that it does not spin.
"""

from typing import Any

import structlog
from dramatiq import Broker, MessageProxy
from dramatiq.middleware import Middleware

from workers.queue.unreadable import Unreadable, UnreadableError

# How long a message that can't be processed now waits before it is tried again, in seconds.
RETURN_PAUSE = 5.0

_log = structlog.get_logger(__name__)


class Acknowledgement(Middleware):
    """Marks a message as committed once its actor has returned, and as unreadable if its actor found it so."""

    def after_process_message(
        self, broker: Broker, message: MessageProxy, *, result: Any = None, exception: BaseException | None = None
    ) -> None:
        """Mark the message, unless its actor raised something else."""
        del broker, result
        if exception is None:
            message.committed = True  # type: ignore[attr-defined]  # a proxy carries what its consumer has to know
        elif isinstance(exception, UnreadableError):
            message.unreadable = exception.reason  # type: ignore[attr-defined]  # as above


def is_committed(message: MessageProxy) -> bool:
    """Return whether the message's transaction has committed, so that it may leave the queue."""
    return bool(vars(message).get("committed", False))


def why_unreadable(message: MessageProxy) -> Unreadable | None:
    """Return why the message's actor could not read it; None if that is not what happened."""
    reason: Unreadable | None = vars(message).get("unreadable")
    return reason


def log_returned(message: MessageProxy) -> None:
    """Log that a message goes back to the queue."""
    _log.warning("message_returned", message_id=message.message_id, actor=message.actor_name)


def log_parked(message_id: str | None, reason: Unreadable) -> None:
    """Log that a message which this version can't read is now parked."""
    _log.error("message_parked", message_id=message_id, reason=reason.value)


def log_not_parked(messages: int, error: BaseException) -> None:
    """Log that messages which this version can't read go back to the queue, as they can't be parked."""
    _log.error(
        "message_not_parked",
        messages=messages,
        error=type(error).__name__,
        remedy="see that `rollcall migrate` has run and that the worker's user may use the place for parked messages",
    )
