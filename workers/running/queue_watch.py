"""Looks at the queue from time to time, for the figures: how much waits there, and for how long."""

import threading
from datetime import UTC, datetime

import structlog
from dramatiq.errors import BrokerError

from runtime.deadlines import deadlines
from runtime.log_lines import lost_lines
from workers.queue.message import QUEUE_NAME
from workers.queue.postgres import PostgresQueue
from workers.queue.rabbitmq import RabbitmqQueue
from workers.running.metrics import WorkerMetrics

# Seconds. More often than RabbitMQ expects to hear from a connection.
_LOOK_INTERVAL = 5.0
_LOOK_DEADLINE = 3.0

_log = structlog.get_logger(__name__)


class QueueWatch:
    """A thread of a worker, with the broker's otherwise unused connection for publishing."""

    def __init__(self, broker: PostgresQueue | RabbitmqQueue, metrics: WorkerMetrics) -> None:
        self._broker = broker
        self._metrics = metrics
        self._thread = threading.Thread(target=self._run, name="queue watch", daemon=True)

    def start(self) -> None:
        """Start to look, until the broker is told that the worker stops."""
        self._thread.start()

    def join(self) -> None:
        """Wait for the end of a look that is under way, so that its connection can be closed."""
        self._thread.join(2 * _LOOK_DEADLINE)

    def _run(self) -> None:
        is_stopping = False
        while not is_stopping:
            self._look()
            is_stopping = self._broker.stopping.wait(_LOOK_INTERVAL)

    def _look(self) -> None:
        self._metrics.age_seen(datetime.now(UTC))
        self._metrics.log_lines_lost(lost_lines.since_last())
        try:
            with deadlines.within(_LOOK_DEADLINE, self._broker.abort):
                waiting = self._broker.waiting(QUEUE_NAME)
        except BrokerError:
            self._metrics.queue_seen(None)
        except Exception as error:  # noqa: BLE001 - a figure is not worth a worker, and the next look must come
            _log.warning("queue_look_failed", exc_info=error)
            self._metrics.queue_seen(None)
        else:
            self._metrics.queue_seen(waiting)
