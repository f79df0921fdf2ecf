"""Puts answers on the queue while the next calls are made, and waits while it is away: nothing is asked for twice.

Answers of one second share a message: settling them together costs a third of settling them one by one.
"""

import threading
import time
from types import TracebackType
from typing import Self

from workers.queue.brokers import open_broker
from workers.queue.message import answers_message
from workers.queue.observation import Answers
from workers.queue.publisher import QueueAwayError

# Seconds that the first answers of a message wait for others, and the observations that are enough.
_TOGETHER = 1.0
ENOUGH = 250
# Seconds between tries, and in all; then the job or command fails, and goes on at that page.
_PAUSE = 1.0
_PATIENCE = 120.0


class Publishing:
    """A connection to the queue, used by a thread of its own."""

    def __init__(self, broker_url: str, stopping: threading.Event) -> None:
        self._broker = open_broker(broker_url)
        self._stopping = stopping
        self._thread = threading.Thread(target=self._run, name="publishing", daemon=True)
        self._changed = threading.Condition()
        self._waiting: list[Answers] = []
        self._since = 0.0
        self._is_urgent = False
        self._is_sending = False
        self._error: Exception | None = None
        self._is_over = False

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with self._changed:
            # What waits for a queue that is away must not be waited for in turn.
            self._is_over = True
            self._changed.notify_all()
        self._thread.join()
        self._broker.close()

    def publish(self, answers: Answers) -> None:
        """Take answers; returns once there is room for them, so memory stays flat.

        Raises:
            QueueAwayError: as `flush`.
        """
        with self._changed:
            self._changed.wait_for(lambda: self._error is not None or not self._is_enough())
            self._raise()
            if not self._waiting:
                self._since = time.monotonic()
            self._waiting.append(answers)
            self._changed.notify_all()

    def flush(self) -> None:
        """Return once the queue has all answers.

        Raises:
            QueueAwayError: it is away for minutes, or this process stops.
        """
        with self._changed:
            self._is_urgent = True
            self._changed.notify_all()
            self._changed.wait_for(lambda: self._error is not None or not (self._waiting or self._is_sending))
            self._is_urgent = False
            self._raise()

    def _raise(self) -> None:
        error, self._error = self._error, None
        if error is not None:
            raise error

    def _is_enough(self) -> bool:
        return sum(len(one.observations) for one in self._waiting) >= ENOUGH

    def _run(self) -> None:
        while together := self._next():
            error = None
            try:
                self._enqueue(Answers.of(together))
            except Exception as raised:  # noqa: BLE001 - it is raised where the answers come from
                error = raised
            with self._changed:
                self._error, self._is_sending = error, False
                if error is not None:
                    self._waiting = []
                self._changed.notify_all()

    def _next(self) -> list[Answers]:
        """Wait for answers and for others to go with them; return none at the end."""
        with self._changed:
            self._changed.wait_for(lambda: self._is_over or bool(self._waiting))
            due = self._since + _TOGETHER
            self._changed.wait_for(
                lambda: self._is_over or self._is_urgent or self._is_enough(), max(0.0, due - time.monotonic())
            )
            together, self._waiting = self._waiting, []
            self._is_sending = bool(together)
            self._changed.notify_all()
            return together

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
