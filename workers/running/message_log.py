"""What happens to a queue message can be seen: its id is on every log line, one that fails is counted."""

from typing import Any

import structlog
from dramatiq import Broker, MessageProxy
from dramatiq.middleware import Middleware

from workers.queue.unreadable import UnreadableError
from workers.running.gathering import RefusedError
from workers.running.metrics import WorkerMetrics
from workers.running.transactions import StoppingError

_log = structlog.get_logger(__name__)


class Observation(Middleware):
    """Binds the message's id to the logs of the thread that processes it."""

    def __init__(self, metrics: WorkerMetrics) -> None:
        self._metrics = metrics

    @property
    def actor_options(self) -> set[str]:
        """Let an actor say what it throws: Dramatiq then leaves it to us to log that, under names of our own."""
        return {"throws"}

    def before_process_message(self, broker: Broker, message: MessageProxy) -> None:
        """Bind the id."""
        del broker
        structlog.contextvars.bind_contextvars(message_id=message.message_id)

    def after_process_message(
        self, broker: Broker, message: MessageProxy, *, result: Any = None, exception: BaseException | None = None
    ) -> None:
        """Log and count a failure, and let go of the id."""
        del broker, message, result
        # One that can't be read is logged and counted as it is parked.
        if exception is not None and not isinstance(exception, StoppingError | UnreadableError):
            if isinstance(exception, RefusedError):
                self._metrics.message_refused()  # the log's `database_refuses` has said why
            else:
                self._metrics.message_failed()
                _log.error("message_failed", exc_info=exception)
        structlog.contextvars.unbind_contextvars("message_id")
