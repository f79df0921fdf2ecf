"""A keeper that keeps in a list, can be held up and can refuse."""

import asyncio
import threading
from collections.abc import Sequence

from receiver.keeping.keeper import Check, KeeperReadiness, KeeperState, NotKeptError
from receiver.keeping.spool_figures import SpoolFigures
from workers.queue.delivery import Delivery

EMPTY_SPOOL = SpoolFigures(0, 0, None, 0, 0)


class ListKeeper:
    """Keeps groups in memory; `gate` holds it up, `refuses` makes it fail."""

    def __init__(self) -> None:
        self.groups: list[list[Delivery]] = []
        self.gate = threading.Event()
        self.gate.set()
        self.refuses: Exception | None = None
        self.queue_takes = True
        self.spool_takes = True
        self.began = 0
        self.is_stopped = False
        self.dead: list[str] = []

    @property
    def kept(self) -> list[Delivery]:
        return [delivery for group in self.groups for delivery in group]

    async def start(self) -> None:
        """Nothing to get ready."""

    async def keep(self, group: Sequence[Delivery]) -> None:
        self.began += 1
        while not self.gate.is_set():  # noqa: ASYNC110 - it is opened from the thread of the test
            await asyncio.sleep(0.001)
        if self.refuses is not None:
            raise self.refuses
        if not (self.queue_takes or self.spool_takes):
            raise NotKeptError
        self.groups.append(list(group))

    async def readiness(self) -> KeeperReadiness:
        return KeeperReadiness(queue=Check(self.queue_takes, "The queue."), spool=Check(self.spool_takes, "The spool."))

    def dead_parts(self) -> list[str]:
        return self.dead

    def state(self) -> KeeperState:
        return KeeperState(is_queue_trusted=self.queue_takes, spool=EMPTY_SPOOL)

    async def stop(self) -> None:
        self.is_stopped = True
