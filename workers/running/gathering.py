"""Gathering: the groups that worker threads hold while one transaction is under way are settled together in the next.

The receiver's group commit once more: no timer, a lone group goes at once, alone. Under load, or after a backlog, many
small queue messages cost one transaction. Each message is still acknowledged only after the commit that holds it.

Groups that the database refuses while it takes others go back to the queue, for a later try among other neighbours.
While it takes nothing at all they are held here and tried again, more and more rarely, and at once when others come.
"""

import threading
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Future

import psycopg

from workers.errors import WorkersError
from workers.queue.delivery import Delivery
from workers.running.transactions import StoppingError
from workers.settling.apart import Apart

# Deliveries in one transaction; a single group may have more.
MOST_DELIVERIES = 500
# Seconds between two tries of what is held: doubled from the first to the longest.
_FIRST_PAUSE = 0.1
_LONGEST_PAUSE = 5.0

Commit = Callable[[Sequence[Delivery]], Apart]
"""Settles deliveries and returns what that came to; those that are not among the refused have committed."""


class RefusedError(WorkersError):
    """The database takes others and not all of this group, which goes back to the queue."""

    def __init__(self) -> None:
        super().__init__(
            "The database refuses deliveries of this group; they stay in the queue. See `database_refuses` in the log."
        )


class _Entry:
    """A group, and the thread that waits for it."""

    def __init__(self, group: Sequence[Delivery]) -> None:
        self.group = group
        self.done: Future[None] = Future()


class Gathering:
    """Hands groups of deliveries on, one transaction at a time; those that wait meanwhile go together."""

    def __init__(self, commit: Commit, stopping: threading.Event | None = None) -> None:
        """Settle groups by `commit` until `stopping`; see `wake`."""
        self._commit = commit
        self._stopping = stopping or threading.Event()
        self._waiting: deque[_Entry] = deque()
        self._news = threading.Event()
        self._turn = threading.Lock()
        # Only whose turn it is knows of these.
        self._held: list[_Entry] = []
        self._pause = _FIRST_PAUSE

    def settle(self, group: Sequence[Delivery]) -> None:
        """Return once the group has been committed.

        Raises:
            RefusedError: the database refuses it while it takes others.
            StoppingError: it refuses whatever there is, and the worker stops.
            Exception: what the commit raised; not all of the group has been committed.
        """
        entry = _Entry(group)
        self._waiting.append(entry)
        self._news.set()
        with self._turn:
            while not entry.done.done():
                self._settle_waiting()
        entry.done.result()

    def wake(self) -> None:
        """Let go of what is held if the worker is stopping by now."""
        self._news.set()

    def _settle_waiting(self) -> None:
        """Commit the groups that have waited longest, as many as go together; without any, what is held."""
        self._news.clear()
        if not self._waiting and self._held:
            self._news.wait(self._pause)
            self._pause = min(self._pause * 2, _LONGEST_PAUSE)
            if self._stopping.is_set():
                self._let_go(StoppingError())
                return
        together = self._together()
        if not together:
            return
        try:
            outcome = self._commit([delivery for entry in together for delivery in entry.group])
        except BaseException as error:
            for entry in together:
                entry.done.set_exception(error)
            if not isinstance(error, Exception):
                raise
        else:
            self._answer(together, outcome)

    def _together(self) -> list[_Entry]:
        """Take the groups of the next transaction: what is new first, with what is held beside it."""
        together: list[_Entry] = []
        count = 0
        for source in (self._waiting, self._held):
            while source and (not together or count + len(source[0].group) <= MOST_DELIVERIES):
                entry = source[0]
                del source[0]
                together.append(entry)
                count += len(entry.group)
        return together

    def _answer(self, together: Sequence[_Entry], outcome: Apart) -> None:
        refused = outcome.refused
        takes_nothing = bool(refused) and not outcome.settlement.statuses
        for entry in together:
            errors = [refused[delivery.id] for delivery in entry.group if delivery.id in refused]
            ours = [error for error in errors if not isinstance(error, psycopg.Error)]
            if not errors:
                entry.done.set_result(None)
            elif ours:
                entry.done.set_exception(ours[0])
            elif takes_nothing:
                self._held.append(entry)
            else:
                entry.done.set_exception(RefusedError())
        if not takes_nothing:
            self._pause = _FIRST_PAUSE
            self._let_go(RefusedError())

    def _let_go(self, error: Exception) -> None:
        held, self._held = self._held, []
        for entry in held:
            entry.done.set_exception(error)
