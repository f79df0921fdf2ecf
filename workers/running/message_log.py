"""Puts a queue message's id on every log line, and counts failed messages."""

from typing import Any

import structlog
from dramatiq import Broker, MessageProxy
from dramatiq.middleware import Middleware

from workers.queue.unreadable import UnreadableError
from workers.running.gathering import RefusedError
from workers.running.metrics import WorkerMetrics
from workers.running.transactions import StoppingError

_log = structlog.get_logger(__name__)


class MessageLog(Middleware):
    """Binds the message's id to the log context of the thread that processes it."""

    def __init__(self, metrics: WorkerMetrics) -> None:
        self._metrics = metrics

    @property
    def actor_options(self) -> set[str]:
        """Let actors declare what they throw: Dramatiq then leaves the logging to us."""
        return {"throws"}

    def before_process_message(self, broker: Broker, message: MessageProxy) -> None:
        """Bind the id."""
        del broker
        structlog.contextvars.bind_contextvars(message_id=message.message_id)

    def after_process_message(
        self, broker: Broker, message: MessageProxy, *, result: Any = None, exception: BaseException | None = None
    ) -> None:
        """Log and count a failure, and unbind the id."""
        del broker, message, result
        # An unreadable one is logged and counted when it is parked.
        if exception is not None and not isinstance(exception, StoppingError | UnreadableError):
            if isinstance(exception, RefusedError):
                self._metrics.message_refused()  # `database_refuses` in the log says why
            else:
                self._metrics.message_failed()
                _log.error("message_failed", exc_info=exception)
        structlog.contextvars.unbind_contextvars("message_id")
