"""Watches the parked messages: counts them, and requeues those that this version can read.

At startup, so that a new version processes what an older one parked, and periodically: while old workers are still
running, they park requeued messages again.
"""

import threading
from functools import partial

import structlog
from dramatiq.errors import BrokerError

from workers.queue.message import MOST_TEXT, QUEUE_NAME
from workers.queue.parking import is_readable
from workers.queue.postgres import PostgresQueue
from workers.queue.rabbitmq import RabbitmqQueue
from workers.running.metrics import WorkerMetrics

# Seconds between counts.
_LOOK_INTERVAL = 30.0
# Counts between attempts to read them: doubled each time none was readable, from the first to the most.
_FEWEST_LOOKS, _MOST_LOOKS = 2, 64
_JOIN_SECONDS = 5.0

_log = structlog.get_logger(__name__)


class ParkedWatch:
    """A thread of the worker, which connects for each check."""

    def __init__(self, broker: PostgresQueue | RabbitmqQueue, metrics: WorkerMetrics) -> None:
        self._broker = broker
        self._metrics = metrics
        self._thread = threading.Thread(target=self._run, name="parked watch", daemon=True)

    def start(self) -> None:
        """Start watching."""
        self._thread.start()

    def is_alive(self) -> bool:
        """Return whether the thread is alive."""
        return self._thread.is_alive()

    def join(self) -> None:
        """Wait for the current check to end."""
        self._thread.join(_JOIN_SECONDS)

    def _run(self) -> None:
        looks, pause = 0, _FEWEST_LOOKS
        is_stopping = False
        while not is_stopping:
            is_due = looks == 0
            try:
                taken_back = self._look(is_due=is_due)
            except BrokerError:
                pass  # the queue is away, or its parked messages' table is not migrated yet: retried
            except Exception as error:  # noqa: BLE001 - the next check must follow
                _log.warning("parked_look_failed", exc_info=error)
            else:
                if is_due:
                    pause = _FEWEST_LOOKS if taken_back else min(pause * 2, _MOST_LOOKS)
                looks = (looks + 1) % pause
            is_stopping = self._broker.stopping.wait(_LOOK_INTERVAL)

    def _look(self, *, is_due: bool) -> int:
        parked = self._broker.parked(QUEUE_NAME)
        taken_back = 0
        try:
            count = parked.count()
            if count and is_due:
                can_read = partial(is_readable, actors=self._broker.actors)
                for one in parked.look(MOST_TEXT):
                    if self._broker.stopping.is_set():
                        break
                    if can_read(one.body):
                        parked.take_back([one])
                        taken_back += 1
            self._metrics.parked_seen(count - taken_back)
        finally:
            parked.close()
        if taken_back:
            _log.info("parked_taken_back", messages=taken_back)
        return taken_back
