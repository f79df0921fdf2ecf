"""What makes a group of deliveries durable, as the rest of the receiver sees it."""

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
    """Whether one part of the receiver can do its work.

    Attributes:
        ok: it can.
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
    """What an operator would want to see of a keeper.

    Attributes:
        is_queue_trusted: groups are offered to the queue; if not, they go straight to the spool.
        spool: what waits in the spool folder, of whichever process.
    """

    is_queue_trusted: bool
    spool: SpoolFigures


class Keeper(Protocol):
    """Makes groups of deliveries durable; lives in the receiver's event loop, which it never blocks."""

    async def start(self) -> None:
        """Get ready to keep. A queue that is away is no error here: it may come back."""

    async def keep(self, group: Sequence[Delivery]) -> None:
        """Return once every delivery of the group is durable: confirmed by the queue or synced to disk.

        Called with at least one delivery, and never again before the last call has ended.

        Raises:
            NotKeptError: neither queue nor spool took the group.
        """

    async def readiness(self) -> KeeperReadiness:
        """Tell within a second whether queue and spool would take a group."""

    def dead_parts(self) -> list[str]:
        """Return the names of the threads that have ended though they should run until `stop`."""

    def state(self) -> KeeperState:
        """Return what the metrics show. May read the disk, and may be called from any thread."""

    async def stop(self) -> None:
        """Let go of queue and spool. No `keep` is under way and none follows."""
