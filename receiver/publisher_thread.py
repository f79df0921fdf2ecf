"""The thread that publishes: it owns the connection to the queue, so that the event loop never waits on it."""

import queue
import threading
from collections.abc import Sequence
from concurrent.futures import Future

import structlog
from dramatiq.errors import BrokerError

from workers.queue.delivery import Delivery
from workers.queue.message import group_message
from workers.queue.publisher import Publisher, QueueAwayError

# Seconds between looks at an idle connection: heartbeats are served, a lost connection is opened again.
_IDLE_INTERVAL = 1.0

_log = structlog.get_logger(__name__)


class PublisherThread:
    """Publishes one group at a time, on one connection."""

    def __init__(self, publisher: Publisher) -> None:
        self._publisher = publisher
        self._jobs: queue.SimpleQueue[tuple[Sequence[Delivery], Future[None]] | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._run, name="publisher", daemon=True)
        self._busy_lock = threading.Lock()
        self._is_busy = False
        self._is_connected = False

    @property
    def is_connected(self) -> bool:
        """Whether the last that was heard of the queue was good."""
        return self._is_connected

    def start(self) -> None:
        """Start the thread; it connects by itself."""
        self._thread.start()

    def publish(self, group: Sequence[Delivery]) -> Future[None]:
        """Return a future that is done once the queue has confirmed the group.

        It fails with QueueAwayError at once if an earlier group or a connection attempt still holds the thread.
        """
        future: Future[None] = Future()
        if self._occupy():
            self._jobs.put((group, future))
        else:
            future.set_exception(QueueAwayError("The queue has not answered an earlier call yet."))
        return future

    def give_up(self) -> None:
        """Cut what is under way, so that the thread comes free."""
        self._publisher.abort()

    def stop(self) -> None:
        """End the thread; what is under way is not waited for."""
        self._jobs.put(None)

    def _run(self) -> None:
        while True:
            # Connecting and serving heartbeats counts as busy: a group that comes meanwhile must not wait for it.
            if self._occupy():
                self._keep_alive()
                self._is_busy = False
            try:
                while (job := self._jobs.get(timeout=_IDLE_INTERVAL)) is not None:
                    self._publish(*job)
            except queue.Empty:
                continue
            break
        self._publisher.close()

    def _occupy(self) -> bool:
        with self._busy_lock:
            was_busy, self._is_busy = self._is_busy, True
        return not was_busy

    def _publish(self, group: Sequence[Delivery], future: Future[None]) -> None:
        try:
            self._publisher.enqueue(group_message(group))
        except BaseException as error:  # noqa: BLE001 - the group goes to the spool, the thread lives on
            self._is_connected = False
            if not isinstance(error, BrokerError):
                _log.error("publish_failed", exc_info=error)
            self._is_busy = False
            future.set_exception(QueueAwayError(f"The queue did not take a group ({type(error).__name__})."))
        else:
            self._is_connected = True
            self._is_busy = False
            future.set_result(None)

    def _keep_alive(self) -> None:
        try:
            self._publisher.keep_alive()
        except Exception as error:  # noqa: BLE001 - as in _publish
            if not isinstance(error, BrokerError):
                _log.error("publish_failed", exc_info=error)
            self._is_connected = False
        else:
            self._is_connected = True
