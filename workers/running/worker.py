"""One worker process: the consumer and the worker threads of a queue, as used by the program and the tests."""

import threading

import dramatiq
import structlog

from runtime.deadlines import deadlines
from workers.queue.brokers import open_broker
from workers.running.actor import declare_actor
from workers.running.mark_notice import MarkNotice
from workers.running.message_log import MessageLog
from workers.running.metrics import WorkerMetrics
from workers.running.observing import declare_observer
from workers.running.parked_watch import ParkedWatch
from workers.running.queue_watch import QueueWatch
from workers.running.transactions import Database
from workers.settings import WorkerSettings
from workers.settling.settlement import Settle

# Seconds that a stop may take in total; anything uncommitted by then is requeued by the queue itself.
STOP_DEADLINE = 15.0
# Milliseconds between an idle worker's checks whether to stop.
_LOOK_INTERVAL = 200

_log = structlog.get_logger(__name__)


class WorkerProcess:
    """This process's Dramatiq worker, its queue and its database."""

    def __init__(self, settings: WorkerSettings, settle: Settle, threads: int, metrics: WorkerMetrics) -> None:
        self._stopping = threading.Event()
        self._broker = open_broker(settings.broker_url, settings.dead_after)
        self._broker.stopping = self._stopping
        self._broker.on_parked = metrics.message_parked
        self._broker.on_unreadable = metrics.message_unreadable
        self._broker.add_middleware(MessageLog(metrics))
        self._database = Database(settings, self._stopping, metrics.database_seen)
        self._watch = QueueWatch(self._broker, metrics)
        self._parked_watch = ParkedWatch(self._broker, metrics)
        self._notice = MarkNotice(settings.database_url, self._stopping)
        self._gathering = declare_actor(self._broker, settle, self._database, settings.scope, metrics, self._notice)
        self._observing = Database(settings, self._stopping, metrics.database_seen)
        declare_observer(self._broker, self._observing, settings.scope, metrics, self._notice)
        self._worker = dramatiq.Worker(self._broker, worker_threads=threads, worker_timeout=_LOOK_INTERVAL)

    def start(self) -> None:
        """Start consuming. Waits for an unreachable queue or database."""
        self._worker.start()
        self._watch.start()
        self._parked_watch.start()
        self._notice.start()
        _log.info("worker_started", threads=self._worker.worker_threads)

    def is_whole(self) -> bool:
        """Return whether all of the worker's threads are alive: without one it would only look alive."""
        return all(
            thread.is_alive()
            for thread in (
                *self._worker.workers,
                *self._worker.consumers.values(),
                self._watch,
                self._parked_watch,
                self._notice,
                self._broker,
                deadlines,
            )
        )

    def stop(self) -> bool:
        """Finish pending transactions, requeue messages that were not started, and disconnect from the queue.

        Returns:
            Whether that was done in time. If not, the rest is requeued once the queue considers this process dead.
        """
        self._stopping.set()
        self._gathering.wake()
        self._notice.wake()
        thread = threading.Thread(target=self._stop, name="stop", daemon=True)
        thread.start()
        thread.join(STOP_DEADLINE)
        in_time = not thread.is_alive()
        _log.info("worker_stopped", in_time=in_time)
        return in_time

    def _stop(self) -> None:
        self._worker.stop(timeout=int(STOP_DEADLINE * 1000))
        self._watch.join()
        self._parked_watch.join()
        self._notice.join()
        self._broker.close()
        self._database.close()
        self._observing.close()


def create_worker(
    settings: WorkerSettings, settle: Settle, threads: int, metrics: WorkerMetrics | None = None
) -> WorkerProcess:
    """Create a worker process, ready to start.

    Args:
        settings: the addresses of queue and database, and the accepted organizations and webhook ids.
        settle: settles a group of deliveries.
        threads: how many groups are held at once; those waiting for a transaction share the next one.
        metrics: the metrics to update; by default ones that are not served.
    """
    return WorkerProcess(settings, settle, threads, metrics or WorkerMetrics())
