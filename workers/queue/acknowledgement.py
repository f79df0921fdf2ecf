"""Only what committed is acknowledged: the policy that both queues' consumers follow.

Dramatiq acknowledges a message whose actor raised, and moves one that it can't place to a dead-letter queue that
expires. Here a message leaves the queue for one reason: its actor returned, and it returns only after its commit.
Everything else goes back to the queue, after a pause so that it does not spin.
"""

from typing import Any

import structlog
from dramatiq import Broker, MessageProxy
from dramatiq.middleware import Middleware

# How long a message that can't be processed now waits before it is tried again, in seconds.
RETURN_PAUSE = 5.0

_log = structlog.get_logger(__name__)


class Acknowledgement(Middleware):
    """Marks a message as committed once its actor has returned."""

    def after_process_message(
        self, broker: Broker, message: MessageProxy, *, result: Any = None, exception: BaseException | None = None
    ) -> None:
        """Mark the message unless its actor raised."""
        del broker, result
        if exception is None:
            message.committed = True  # type: ignore[attr-defined]  # a proxy carries what its consumer has to know


def is_committed(message: MessageProxy) -> bool:
    """Tell whether the message's transaction has committed, so that it may leave the queue."""
    return bool(vars(message).get("committed", False))


def log_returned(message: MessageProxy) -> None:
    """Log that a message goes back to the queue."""
    _log.warning("message_returned", message_id=message.message_id, actor=message.actor_name)


def log_unreadable(message_id: str | None) -> None:
    """Log that the queue holds something that is no message of Dramatiq; it stays there."""
    _log.error("message_unreadable", message_id=message_id)
