"""Makes a group durable: in the queue, or in the spool if the queue does not take it in time."""

import asyncio
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

import structlog
from dramatiq.errors import BrokerError

from receiver.keeping.forwarder import Forwarder
from receiver.keeping.keeper import Check, KeeperReadiness, KeeperState, NotKeptError
from receiver.keeping.publisher_thread import PublisherThread
from receiver.keeping.spool import Spool
from receiver.keeping.spool_figures import look_at_spool
from receiver.keeping.spool_file import SpoolError
from runtime.deadlines import deadlines
from workers.queue.brokers import open_broker
from workers.queue.delivery import Delivery

# Seconds. The vendor times out after three, and a delivery may wait for several groups before its own.
_QUEUE_DEADLINE = 0.8
# After a miss the queue gets less time, so that deliveries waiting behind it are still answered in time.
_QUEUE_DEADLINE_AFTER_A_MISS = 0.3
_SPOOL_DEADLINE = 0.6
# After this many consecutive misses groups go straight to the spool until the forwarder reaches the queue again.
_MOST_MISSES = 3

_log = structlog.get_logger(__name__)


class Durable:
    """Puts groups into the queue or on local disk. See `receiver.keeping.keeper.Keeper`."""

    def __init__(self, broker_url: str, spool_directory: Path) -> None:
        self._publisher = PublisherThread(open_broker(broker_url))
        self._spool = Spool(spool_directory)
        self._spool_directory = spool_directory
        self._forwarder = Forwarder(open_broker(broker_url), self._spool)
        self._forwarder.on_forwarded = self._trust_queue
        self._disk = ThreadPoolExecutor(max_workers=1, thread_name_prefix="spool")
        self._disk_turn = asyncio.Lock()
        self._late_write: Future[None] | None = None
        self._misses = 0
        self._misses_lock = threading.Lock()

    async def start(self) -> None:
        """Connect in the background and adopt spool files that an earlier process left behind."""
        self._publisher.start()
        self._forwarder.start()

    async def keep(self, group: Sequence[Delivery]) -> None:
        """Return once the group is confirmed by the queue or synced to disk.

        Raises:
            NotKeptError: neither took it.
        """
        is_offered = self._misses < _MOST_MISSES
        if is_offered and await self._publish(group):
            return
        try:
            await self._on_disk(lambda: self._spool.put(group))
        except SpoolError as error:
            _log.error("spool_failed", detail=str(error), deliveries=len(group))
        else:
            self._forwarder.wake()
            return
        # Last resort: the disk is failing, so try the queue even though it was given up.
        if is_offered or not await self._publish(group):
            raise NotKeptError

    async def readiness(self) -> KeeperReadiness:
        """Check within a second whether queue and spool would take a group."""
        is_queue_ok = self._publisher.is_connected and self._misses < _MOST_MISSES
        try:
            await self._on_disk(self._spool.probe)
        except SpoolError:
            spool = Check(ok=False, detail="The spool can't be written.")
        else:
            spool = Check(ok=True, detail="The spool can be written.")
        return KeeperReadiness(
            queue=Check(ok=is_queue_ok, detail="The queue answers." if is_queue_ok else "The queue does not answer."),
            spool=spool,
        )

    def dead_parts(self) -> list[str]:
        """Return the names of threads that have died although they should run until `stop`."""
        parts = {
            "publisher": self._publisher.is_alive,
            "forwarder": self._forwarder.is_alive,
            "deadlines": deadlines.is_alive,
        }
        return [name for name, is_alive in parts.items() if not is_alive()]

    def state(self) -> KeeperState:
        """Return the state for the metrics. Reads the spool files while others write; may be called from any thread."""
        return KeeperState(
            is_queue_trusted=self._misses < _MOST_MISSES,
            spool=look_at_spool(self._spool_directory),
        )

    async def stop(self) -> None:
        """Release queue and spool. Spooled groups stay on disk for the next process."""
        self._publisher.stop()
        await asyncio.to_thread(self._forwarder.stop)
        self._disk.shutdown(wait=False)
        self._spool.close()

    async def _publish(self, group: Sequence[Delivery]) -> bool:
        deadline = _QUEUE_DEADLINE_AFTER_A_MISS if self._misses else _QUEUE_DEADLINE
        published = asyncio.wrap_future(self._publisher.publish(group))
        try:
            await asyncio.wait_for(published, deadline)
        except TimeoutError:
            # It may still reach the queue; the delivery ids make that harmless.
            self._publisher.give_up()
            self._missed(group, "no answer in time")
        except BrokerError as error:
            self._missed(group, str(error))
        else:
            self._trust_queue()
            return True
        return False

    async def _on_disk(self, work: Callable[[], None]) -> None:
        # Writes must not pile up behind a disk that hangs, nor wait for it one by one.
        if self._late_write is not None and not self._late_write.done():
            raise SpoolError("The spool's disk has not finished an earlier write yet.")
        writing = None
        try:
            # A probe and a group take turns.
            async with asyncio.timeout(_SPOOL_DEADLINE), self._disk_turn:
                writing = self._disk.submit(work)
                await asyncio.wrap_future(writing)
        except TimeoutError:
            # The timeout cancels a write that has not started; it counts as done.
            self._late_write = writing
            raise SpoolError("The spool's disk did not write in time.") from None

    def _missed(self, group: Sequence[Delivery], detail: str) -> None:
        with self._misses_lock:
            self._misses += 1
            misses = self._misses
        _log.warning("queue_missed", detail=detail, misses=misses, deliveries=len(group))
        if misses == _MOST_MISSES:
            _log.error("queue_given_up", remedy="check the queue's server; until it is back, groups go to the spool")

    def _trust_queue(self) -> None:
        with self._misses_lock:
            was_given_up, self._misses = self._misses >= _MOST_MISSES, 0
        if was_given_up:
            _log.info("queue_back")
