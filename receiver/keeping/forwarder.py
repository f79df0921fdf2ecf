"""The forwarder: moves spooled groups to the queue, oldest first, once the queue is back."""

import threading
from collections.abc import Callable
from functools import partial

import structlog
from dramatiq.errors import BrokerError

from receiver.keeping.spool import Spool
from receiver.keeping.spool_file import DamagedSpoolError, SpoolError, SpoolFile
from runtime.deadlines import deadlines
from workers.queue.message import group_message
from workers.queue.publisher import Publisher

# Spooled groups are sent together up to this many bytes, so that a long outage needs few messages. Counted before
# compression: a few hundred KB of text may expand to gigabytes.
_BATCH_BYTES = 4 * 2**20
# And up to this many deliveries: a worker takes a lock for each session in a message, and the server's are limited.
_BATCH_DELIVERIES = 500
# Seconds.
_PUBLISH_DEADLINE = 10.0
_PAUSE_WHILE_AWAY = 1.0
_LOOK_INTERVAL = 5.0
# Pause between batches, so that new deliveries get the queue and the CPU.
_BREATH = 0.02

_log = structlog.get_logger(__name__)


class Forwarder:
    """A thread with a separate connection to the queue."""

    def __init__(self, publisher: Publisher, spool: Spool) -> None:
        self.on_forwarded: Callable[[], None] = lambda: None
        self._publisher = publisher
        self._spool = spool
        self._stopping = threading.Event()
        self._wake = threading.Event()
        self._thread = threading.Thread(target=self._run, name="forwarder", daemon=True)
        # Confirmed by the queue but not yet deleted from the file (a full disk prevents deletions, too).
        self._forwarded: dict[tuple[str, int], set[int]] = {}

    def start(self) -> None:
        """Start the thread."""
        self._thread.start()

    def is_alive(self) -> bool:
        """Return whether the thread is running."""
        return self._thread.is_alive()

    def wake(self) -> None:
        """Wake the thread: there is something in the spool."""
        self._wake.set()

    def stop(self) -> None:
        """Stop after the current batch; the rest stays in the spool."""
        self._stopping.set()
        self._wake.set()
        self._publisher.abort()
        self._thread.join(_PUBLISH_DEADLINE)

    def _run(self) -> None:
        while not self._stopping.is_set():
            pause = _LOOK_INTERVAL
            self._wake.clear()
            try:
                self._try(self._empty_own)
                with self._spool.orphans() as files:
                    for file in files:
                        _log.info("spool_adopted", path=str(file.path), groups=file.count())
                        self._try(partial(self._empty_orphan, file))
            except BrokerError:
                pause = _PAUSE_WHILE_AWAY
            except Exception as error:  # noqa: BLE001 - whatever it is, the spool must be retried
                _log.error("forwarding_failed", exc_info=error)
            if pause == _PAUSE_WHILE_AWAY:
                self._stopping.wait(pause)
            else:
                # An idle connection without heartbeats would be closed by the broker: connect when needed.
                self._publisher.close()
                self._wake.wait(pause)
        self._publisher.close()

    def _try(self, empty: Callable[[], None]) -> None:
        """Forward one file; its errors must not affect the others."""
        try:
            empty()
        except SpoolError as error:
            _log.warning("spool_not_forwarded", detail=str(error))

    def _empty_orphan(self, file: SpoolFile) -> None:
        self._empty(file)
        self._forwarded.pop(file.identity)

    def _empty_own(self) -> None:
        file = self._spool.file()
        try:
            self._empty(file)
        except DamagedSpoolError:
            self._forwarded.pop(file.identity, None)
            self._spool.begin_anew(file)

    def _empty(self, file: SpoolFile) -> None:
        forwarded = self._forwarded.setdefault(file.identity, set())
        has_forwarded = False
        while not self._stopping.is_set():
            groups = file.oldest(_BATCH_BYTES, _BATCH_DELIVERIES, after=max(forwarded, default=0))
            if groups:
                deliveries = [delivery for group in groups for delivery in group.deliveries]
                with deadlines.within(_PUBLISH_DEADLINE, self._publisher.abort):
                    self._publisher.enqueue(group_message(deliveries))
                forwarded.update(group.position for group in groups)
                self.on_forwarded()
                _log.info("spool_forwarded", groups=len(groups), deliveries=len(deliveries))
            if not forwarded:
                break
            try:
                file.delete(sorted(forwarded))
            except DamagedSpoolError:
                raise
            except SpoolError:
                if not groups:  # everything is in the queue; the deletion is retried later
                    raise
            else:
                forwarded.clear()
                has_forwarded = True
            self._stopping.wait(_BREATH)
        if has_forwarded:
            file.shrink()
