"""Group commit: deliveries that arrive while one group is being kept form the next group.

There is no timer: a single delivery is sent immediately, and groups grow with the load.
"""

import asyncio
import time
from collections import deque
from dataclasses import dataclass

import structlog

from receiver.keeping.keeper import Keeper, NotKeptError
from receiver.metrics import ReceiverMetrics
from receiver.refusal import RefusedError
from workers.queue.delivery import Delivery

_log = structlog.get_logger(__name__)


class TooManyWaitingError(RefusedError):
    """So many deliveries are waiting that another would be answered too late."""

    status = 503
    reason = "too_many_waiting"
    sentence = "Too many deliveries are waiting; send it again."


@dataclass(frozen=True, slots=True)
class Bounds:
    """Limits of what may wait and of a group.

    Attributes:
        waiting: deliveries waiting or being kept; the next is refused.
        waiting_bytes: the same for the bytes of their bodies.
        group: the most deliveries in a group.
        group_bytes: the most bytes in a group, including the vendor's ids; a group always has at least one delivery.
    """

    waiting: int = 2_000
    waiting_bytes: int = 32 * 2**20
    group: int = 500
    group_bytes: int = 4 * 2**20


class GroupCommit:
    """Hands waiting deliveries to the keeper, one group at a time, in order of arrival."""

    def __init__(self, keeper: Keeper, metrics: ReceiverMetrics, bounds: Bounds | None = None) -> None:
        self._keeper = keeper
        self._metrics = metrics
        self._bounds = bounds or Bounds()
        self._waiting: deque[tuple[Delivery, asyncio.Future[None]]] = deque()
        self._unanswered = 0
        self._unanswered_bytes = 0
        self._sending: asyncio.Task[None] | None = None

    async def keep(self, delivery: Delivery) -> None:
        """Return once the delivery is kept. Canceling the caller does not withdraw the delivery.

        Raises:
            TooManyWaitingError: too much is waiting; the delivery was not accepted.
            NotKeptError: neither queue nor spool took its group.
        """
        size = len(delivery.body)
        bounds = self._bounds
        if self._unanswered >= bounds.waiting or self._unanswered_bytes + size > bounds.waiting_bytes:
            raise TooManyWaitingError
        self._unanswered += 1
        self._unanswered_bytes += size
        kept = asyncio.get_running_loop().create_future()
        self._waiting.append((delivery, kept))
        if self._sending is None:
            self._sending = asyncio.create_task(self._send_groups(), name="group commit")
        await kept

    def is_whole(self) -> bool:
        """Return whether waiting deliveries are being sent."""
        return self._sending is not None or not self._waiting

    async def drain(self) -> None:
        """Return once nothing is waiting or being kept."""
        while self._sending is not None:
            await self._sending

    async def _send_groups(self) -> None:
        try:
            while self._waiting:
                try:
                    await self._send(self._next_group())
                except Exception as error:  # noqa: BLE001 - the group is answered; those behind it must be, too
                    _log.error("group_commit_failed", exc_info=error)
        finally:
            self._sending = None

    def _next_group(self) -> list[tuple[Delivery, asyncio.Future[None]]]:
        group = [self._waiting.popleft()]
        size = group[0][0].size()
        while self._waiting and len(group) < self._bounds.group:
            size += self._waiting[0][0].size()
            if size > self._bounds.group_bytes:
                break
            group.append(self._waiting.popleft())
        return group

    async def _send(self, group: list[tuple[Delivery, asyncio.Future[None]]]) -> None:
        deliveries = [delivery for delivery, _ in group]
        began = time.perf_counter()
        is_kept = False
        try:
            self._metrics.group_leaves(len(group), self._unanswered)
            await self._keeper.keep(deliveries)
            is_kept = True
        except NotKeptError:
            _log.warning("group_not_kept", deliveries=len(group))
        except Exception as error:  # noqa: BLE001 - whatever fails, the callers are answered and the next group goes
            # Only the type: a database's or a queue's message may quote a body.
            _log.error("keeper_failed", deliveries=len(group), error=type(error).__name__)
        finally:
            self._answer(group, is_kept=is_kept)
            self._metrics.group_ended(time.perf_counter() - began, self._unanswered)
        if is_kept:
            # The worker logs the same ids when it has settled them. One line per group: one per delivery would cost
            # more than the rest of its handling here.
            _log.info("group_kept", deliveries=[str(one.id) for one in deliveries])

    def _answer(self, group: list[tuple[Delivery, asyncio.Future[None]]], *, is_kept: bool) -> None:
        for delivery, kept in group:
            self._unanswered -= 1
            self._unanswered_bytes -= len(delivery.body)
            if kept.done():  # its caller was canceled
                continue
            if is_kept:
                kept.set_result(None)
            else:
                kept.set_exception(NotKeptError())
