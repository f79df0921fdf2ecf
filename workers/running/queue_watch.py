"""Watches the queue: how many messages wait and how long, and whether any reach this worker."""

import threading
import time
from datetime import UTC, datetime

import structlog
from dramatiq.errors import BrokerError

from runtime.deadlines import deadlines
from runtime.log_lines import lost_lines
from workers.queue.message import QUEUE_NAME
from workers.queue.postgres import PostgresQueue
from workers.queue.rabbitmq import RabbitmqQueue
from workers.running.metrics import WorkerMetrics
from workers.running.stall import PATIENCE, Stall

# Seconds. More often than RabbitMQ's heartbeats.
_LOOK_INTERVAL = 5.0
_LOOK_DEADLINE = 3.0

_log = structlog.get_logger(__name__)


class QueueWatch:
    """A thread of the worker, on the broker's otherwise unused publishing connection."""

    def __init__(self, broker: PostgresQueue | RabbitmqQueue, metrics: WorkerMetrics) -> None:
        self._broker = broker
        self._metrics = metrics
        self._stall = Stall(time.monotonic())
        self._thread = threading.Thread(target=self._run, name="queue watch", daemon=True)

    def start(self) -> None:
        """Start watching."""
        self._thread.start()

    def is_alive(self) -> bool:
        """Return whether the thread is alive."""
        return self._thread.is_alive()

    def join(self) -> None:
        """Wait for the current check to end, so that its connection can be closed."""
        self._thread.join(2 * _LOOK_DEADLINE)

    def _run(self) -> None:
        is_stopping = False
        while not is_stopping:
            self._look()
            is_stopping = self._broker.stopping.wait(_LOOK_INTERVAL)

    def _look(self) -> None:
        self._metrics.age_seen(datetime.now(UTC))
        self._metrics.log_lines_lost(lost_lines.since_last())
        waiting = self._waiting()
        self._metrics.queue_seen(waiting, len(self._broker.held))
        if self._stall.is_on(
            time.monotonic(),
            waiting=waiting or 0,
            received=self._broker.received,
            is_processing=self._metrics.is_processing(),
        ):
            _log.warning("consumer_renewed", waiting=waiting, nothing_came_for_seconds=PATIENCE)
            self._metrics.consumer_renewed()
            self._broker.reconnect_consumer()

    def _waiting(self) -> int | None:
        try:
            with deadlines.within(_LOOK_DEADLINE, self._broker.abort):
                return self._broker.waiting(QUEUE_NAME)
        except BrokerError:
            return None
        except Exception as error:  # noqa: BLE001 - a metric must not end the worker, nor the next check
            _log.warning("queue_look_failed", exc_info=error)
            return None
