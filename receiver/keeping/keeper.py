"""The interface of whatever makes a group of deliveries durable."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from receiver.keeping.spool_figures import SpoolFigures
from receiver.refusal import RefusedError
from workers.queue.delivery import Delivery


class NotKeptError(RefusedError):
    """Neither queue nor spool took a group of deliveries: none of them may be answered with 200."""

    status = 503
    reason = "not_kept"
    sentence = "The delivery can't be kept right now; send it again."


@dataclass(frozen=True, slots=True)
class Check:
    """Whether one part of the receiver is working.

    Attributes:
        ok: it is working.
        detail: one sentence for the operator, without addresses or secrets: `GET /readyz` is public.
    """

    ok: bool
    detail: str


@dataclass(frozen=True, slots=True)
class KeeperReadiness:
    """Whether queue and spool would take a group now. One of the two is enough to keep a delivery."""

    queue: Check
    spool: Check


@dataclass(frozen=True, slots=True)
class KeeperState:
    """A keeper's state for the operator.

    Attributes:
        is_queue_trusted: groups go to the queue; if not, they go straight to the spool.
        spool: the contents of the spool folder, of all processes.
    """

    is_queue_trusted: bool
    spool: SpoolFigures


class Keeper(Protocol):
    """Makes groups of deliveries durable; runs in the receiver's event loop and never blocks it."""

    async def start(self) -> None:
        """Prepare. An unreachable queue is not an error: it may come back."""

    async def keep(self, group: Sequence[Delivery]) -> None:
        """Return once every delivery of the group is durable: confirmed by the queue or synced to disk.

        Called with at least one delivery, and never concurrently.

        Raises:
            NotKeptError: neither queue nor spool took the group.
        """

    async def readiness(self) -> KeeperReadiness:
        """Check within a second whether queue and spool would take a group."""

    def dead_parts(self) -> list[str]:
        """Return the names of threads that have died although they should run until `stop`."""

    def state(self) -> KeeperState:
        """Return the state for the metrics. May read the disk; may be called from any thread."""

    async def stop(self) -> None:
        """Release queue and spool. No `keep` is running and none follows."""
