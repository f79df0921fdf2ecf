"""The age of what a worker has in flight. The queue is first in, first out, so nothing in it is older."""

import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import datetime


class InHand:
    """The groups in flight, waiting for the database or being written. Thread-safe."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._held: dict[object, datetime] = {}
        self._let_go: datetime | None = None

    @contextmanager
    def holding(self, times: Iterable[datetime]) -> Iterator[None]:
        """Count a group, received at these times, as in flight for the duration of the block."""
        oldest = min(times, default=None)
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
        """Return whether any group is in flight."""
        with self._lock:
            return bool(self._held)

    def oldest(self) -> datetime | None:
        """Return when the oldest delivery in flight since the last call was received; None if there is none."""
        with self._lock:
            times = [*self._held.values(), *([self._let_go] if self._let_go else [])]
            self._let_go = None
        return min(times, default=None)
