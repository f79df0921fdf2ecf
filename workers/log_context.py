"""Every log line that is written while a message is processed carries the message's id."""

from typing import Any

import structlog
from dramatiq import Broker, MessageProxy
from dramatiq.middleware import Middleware


class LogContext(Middleware):
    """Binds the message's id to the logs of the thread that processes it, and logs what went wrong."""

    def before_process_message(self, broker: Broker, message: MessageProxy) -> None:
        """Bind the id."""
        del broker
        structlog.contextvars.bind_contextvars(message_id=message.message_id)

    def after_process_message(
        self, broker: Broker, message: MessageProxy, *, result: Any = None, exception: BaseException | None = None
    ) -> None:
        """Let go of the id."""
        del broker, message, result, exception
        structlog.contextvars.unbind_contextvars("message_id")
