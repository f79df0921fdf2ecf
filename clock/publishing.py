"""Puts answers on the queue while the next call is made, and waits while it is away: nothing is asked for twice."""

import threading
import time
from concurrent.futures import Future, ThreadPoolExecutor
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
    """A connection to the queue, used by a thread of its own."""

    def __init__(self, broker_url: str, stopping: threading.Event) -> None:
        self._broker = open_broker(broker_url)
        self._stopping = stopping
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="publishing")
        self._under_way: Future[None] | None = None
        self._is_over = False

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        # What waits for a queue that is away must not be waited for in turn.
        self._is_over = True
        self._thread.shutdown()
        self._broker.close()

    def publish(self, answers: Answers) -> None:
        """Return once the queue has the answers before these; these are under way.

        Raises:
            QueueAwayError: as `flush`.
        """
        self.flush()
        self._under_way = self._thread.submit(self._enqueue, answers)

    def flush(self) -> None:
        """Return once the queue has all answers.

        Raises:
            QueueAwayError: it is away for minutes, or this process stops.
        """
        under_way, self._under_way = self._under_way, None
        if under_way is not None:
            under_way.result()

    def _enqueue(self, answers: Answers) -> None:
        message = answers_message(answers)
        until = time.monotonic() + _PATIENCE
        while True:
            try:
                self._broker.enqueue(message)
            except QueueAwayError:
                if self._is_over or time.monotonic() >= until or self._stopping.wait(_PAUSE):
                    raise
            else:
                return
