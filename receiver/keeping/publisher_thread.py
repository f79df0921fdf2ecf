"""The publishing thread: it owns the connection to the queue, so that the event loop never blocks on it."""

import queue
import threading
from collections.abc import Sequence
from concurrent.futures import Future

import structlog
from dramatiq.errors import BrokerError

from runtime.deadlines import deadlines
from workers.queue.delivery import Delivery
from workers.queue.message import group_message
from workers.queue.publisher import Publisher, QueueAwayError

# Seconds between checks of an idle connection: sends heartbeats and reconnects.
_IDLE_INTERVAL = 1.0
_LOOK_DEADLINE = 2.0

_log = structlog.get_logger(__name__)


class PublisherThread:
    """Publishes one group at a time, on one connection."""

    def __init__(self, publisher: Publisher) -> None:
        self._publisher = publisher
        self._jobs: queue.SimpleQueue[tuple[Sequence[Delivery], Future[None]] | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._run, name="publisher", daemon=True)
        self._lock = threading.Lock()
        self._has_group = False
        self._is_connecting = True
        self._is_connected = False

    @property
    def is_connected(self) -> bool:
        """Whether the last exchange with the queue succeeded."""
        return self._is_connected

    def start(self) -> None:
        """Start the thread; it connects in the background."""
        self._thread.start()

    def is_alive(self) -> bool:
        """Return whether the thread is running."""
        return self._thread.is_alive()

    def publish(self, group: Sequence[Delivery]) -> Future[None]:
        """Return a future that is done once the queue has confirmed the group.

        It fails with QueueAwayError at once if an earlier group or a connection attempt still holds the thread.
        """
        future: Future[None] = Future()
        with self._lock:
            is_free = not (self._has_group or self._is_connecting)
            if is_free:
                self._has_group = True
        if is_free:
            self._jobs.put((group, future))
        else:
            future.set_exception(QueueAwayError("The queue has not answered an earlier call yet."))
        return future

    def give_up(self) -> None:
        """Abort the current operation to free the thread."""
        self._publisher.abort()

    def stop(self) -> None:
        """Stop the thread without waiting for the current operation."""
        self._jobs.put(None)

    def _run(self) -> None:
        while True:
            self._keep_alive()
            try:
                while (job := self._jobs.get(timeout=_IDLE_INTERVAL)) is not None:
                    self._publish(*job)
            except queue.Empty:
                continue
            break
        self._publisher.close()

    def _publish(self, group: Sequence[Delivery], future: Future[None]) -> None:
        if not future.set_running_or_notify_cancel():
            self._has_group = False
            return
        try:
            self._publisher.enqueue(group_message(group))
        except BaseException as error:  # noqa: BLE001 - the group goes to the spool and the thread continues
            _log_unexpected(error)
            self._is_connected = self._has_group = False
            away = (
                error if isinstance(error, QueueAwayError) else QueueAwayError(f"{type(error).__name__} in publishing.")
            )
            future.set_exception(away)
        else:
            self._is_connected = True
            self._has_group = False
            future.set_result(None)

    def _keep_alive(self) -> None:
        # A group may wait for the check of an open connection, but not for a new connection.
        self._is_connecting = not self._is_connected
        try:
            with deadlines.within(_LOOK_DEADLINE, self._publisher.abort):
                self._publisher.keep_alive()
        except Exception as error:  # noqa: BLE001 - as in _publish
            _log_unexpected(error)
            self._is_connected = False
        else:
            self._is_connected = True
        self._is_connecting = False


def _log_unexpected(error: BaseException) -> None:
    if not isinstance(error, BrokerError):
        _log.error("publish_failed", exc_info=error)
