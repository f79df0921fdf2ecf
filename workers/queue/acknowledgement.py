"""The acknowledgement policy of both queues' consumers: acknowledge only committed messages.

Dramatiq acknowledges a message even if its actor raised, and moves one for an unknown actor to a dead-letter queue that
expires. Here a message is acknowledged only once its actor has returned, which it does after its commit. A message that
this version can't read is parked, so that it does not block the others. Everything else is requeued, after a pause to
avoid a tight loop.
"""

from typing import Any

import structlog
from dramatiq import Broker, MessageProxy
from dramatiq.middleware import Middleware

from workers.queue.unreadable import Unreadable, UnreadableError

# Seconds before a message that could not be processed is retried.
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
            message.committed = True  # type: ignore[attr-defined]  # the proxy carries this to its consumer
        elif isinstance(exception, UnreadableError):
            message.unreadable = exception.reason  # type: ignore[attr-defined]  # as above


def is_committed(message: MessageProxy) -> bool:
    """Return whether the message's transaction has committed, so that it can be acknowledged."""
    return bool(vars(message).get("committed", False))


def why_unreadable(message: MessageProxy) -> Unreadable | None:
    """Return why the message's actor could not read it; None otherwise."""
    reason: Unreadable | None = vars(message).get("unreadable")
    return reason


def log_returned(message: MessageProxy) -> None:
    """Log that a message is requeued."""
    _log.warning("message_returned", message_id=message.message_id, actor=message.actor_name)


def log_parked(message_id: str | None, reason: Unreadable) -> None:
    """Log that an unreadable message is parked."""
    _log.error("message_parked", message_id=message_id, reason=reason.value)


def log_not_parked(messages: int, error: BaseException) -> None:
    """Log that unreadable messages are requeued because they can't be parked."""
    _log.error(
        "message_not_parked",
        messages=messages,
        error=type(error).__name__,
        remedy="run `rollcall migrate`, and grant the worker's user access to the parked messages",
    )
