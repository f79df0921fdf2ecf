"""How old what a worker has in its hands is: the queue is first in, first out, so nothing in it is older."""

import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime

from workers.queue.delivery import Delivery


class InHand:
    """The groups that are being processed, whether they wait for the database or are written. For all threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._held: dict[object, datetime] = {}
        self._let_go: datetime | None = None

    @contextmanager
    def holding(self, deliveries: Sequence[Delivery]) -> Iterator[None]:
        """Note that a group is in hand as long as the block lasts."""
        oldest = min((delivery.received_at for delivery in deliveries), default=None)
        if oldest is None:
            yield
            return
        token = object()
        with self._lock:
            self._held[token] = oldest
        try:
            yield
        finally:
            with self._lock:
                del self._held[token]
                self._let_go = min(self._let_go or oldest, oldest)

    def is_holding(self) -> bool:
        """Return whether any group is in hand now."""
        with self._lock:
            return bool(self._held)

    def oldest(self) -> datetime | None:
        """Return when the oldest delivery came in that is or was in hand since the last call; None if there is none."""
        with self._lock:
            times = [*self._held.values(), *([self._let_go] if self._let_go else [])]
            self._let_go = None
        return min(times, default=None)
