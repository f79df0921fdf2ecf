"""Gathering: the groups that worker threads hold while one transaction is under way are settled together in the next.

The receiver's group commit once more: no timer, a lone group goes at once, alone. Under load, or after a backlog, many
small queue messages cost one transaction. Each message is still acknowledged only after the commit that holds it.
"""

import threading
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Future

from workers.queue.delivery import Delivery

# Deliveries in one transaction; a single group may have more.
MOST_DELIVERIES = 500


class Gathering:
    """Hands groups of deliveries on, one transaction at a time; those that wait meanwhile go together."""

    def __init__(self, commit: Callable[[Sequence[Delivery]], None]) -> None:
        self._commit = commit
        self._waiting: deque[tuple[Sequence[Delivery], Future[None]]] = deque()
        self._turn = threading.Lock()

    def settle(self, group: Sequence[Delivery]) -> None:
        """Return once the group has been committed.

        Raises:
            Exception: what the commit raised; the group has not been committed.
        """
        done: Future[None] = Future()
        self._waiting.append((group, done))
        with self._turn:
            while not done.done():
                self._settle_waiting()
        done.result()

    def _settle_waiting(self) -> None:
        """Commit the groups that have waited longest, as many as go together."""
        together = [self._waiting.popleft()]
        count = len(together[0][0])
        while self._waiting and count + len(self._waiting[0][0]) <= MOST_DELIVERIES:
            together.append(self._waiting.popleft())
            count += len(together[-1][0])
        try:
            self._commit([delivery for group, _ in together for delivery in group])
        except BaseException as error:
            for _, done in together:
                done.set_exception(error)
            if not isinstance(error, Exception):
                raise
        else:
            for _, done in together:
                done.set_result(None)
