"""Puts answers on the queue, and waits while it is away: what was asked for is not asked for again."""

import threading
import time
from types import TracebackType
from typing import Self

from workers.queue.brokers import open_broker
from workers.queue.message import answers_message
from workers.queue.observation import Answers
from workers.queue.publisher import QueueAwayError

# Seconds between tries, and in all; then the job or command fails, and goes on at that page.
_PAUSE = 1.0
_PATIENCE = 120.0


class Publishing:
    """A connection to the queue."""

    def __init__(self, broker_url: str, stopping: threading.Event) -> None:
        self._broker = open_broker(broker_url)
        self._stopping = stopping

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._broker.close()

    def publish(self, answers: Answers) -> None:
        """Return once the queue has the answers.

        Raises:
            QueueAwayError: it is away for minutes, or this process stops.
        """
        message = answers_message(answers)
        until = time.monotonic() + _PATIENCE
        while True:
            try:
                self._broker.enqueue(message)
            except QueueAwayError:
                if time.monotonic() >= until or self._stopping.wait(_PAUSE):
                    raise
            else:
                return
