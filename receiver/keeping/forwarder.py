"""The forwarder: sends what is in the spool on to the queue, oldest first, once the queue is back."""

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

# Spooled groups leave together up to this many bytes, so that a long outage is made up for in few messages. Before
# they are compressed: a few hundred KB of text may hold gigabytes.
_BATCH_BYTES = 4 * 2**20
# And so many: a worker takes a lock for each session of a message, and a server has only so many.
_BATCH_DELIVERIES = 500
# Seconds.
_PUBLISH_DEADLINE = 10.0
_PAUSE_WHILE_AWAY = 1.0
_LOOK_INTERVAL = 5.0
# A breath between batches, so that the deliveries that come in meanwhile have the queue and the processor.
_BREATH = 0.02

_log = structlog.get_logger(__name__)


class Forwarder:
    """A thread with a connection to the queue of its own."""

    def __init__(self, publisher: Publisher, spool: Spool) -> None:
        self.on_forwarded: Callable[[], None] = lambda: None
        self._publisher = publisher
        self._spool = spool
        self._stopping = threading.Event()
        self._wake = threading.Event()
        self._thread = threading.Thread(target=self._run, name="forwarder", daemon=True)
        # What the queue has confirmed and the file could not forget yet (a full disk takes no deletion either).
        self._forwarded: dict[tuple[str, int], set[int]] = {}

    def start(self) -> None:
        """Start the thread."""
        self._thread.start()

    def is_alive(self) -> bool:
        """Tell whether the thread runs."""
        return self._thread.is_alive()

    def wake(self) -> None:
        """Tell it that there is something in the spool."""
        self._wake.set()

    def stop(self) -> None:
        """Stop after the batch under way; what is left stays in the spool."""
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
            except Exception as error:  # noqa: BLE001 - whatever it is, the spool must be tried again
                _log.error("forwarding_failed", exc_info=error)
            if pause == _PAUSE_WHILE_AWAY:
                self._stopping.wait(pause)
            else:
                # An idle connection whose heartbeats nobody serves would be cut off: open one when there is need.
                self._publisher.close()
                self._wake.wait(pause)
        self._publisher.close()

    def _try(self, empty: Callable[[], None]) -> None:
        """Empty one file; trouble with it is not the others'."""
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
                if not groups:  # all is in the queue; deleting it is tried again later
                    raise
            else:
                forwarded.clear()
                has_forwarded = True
            self._stopping.wait(_BREATH)
        if has_forwarded:
            file.shrink()
