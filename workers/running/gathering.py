"""Gathering: groups that arrive during one transaction are settled together in the next.

As in the receiver's group commit there is no timer: a single group is settled immediately. Under load, or with a
backlog, many small queue messages share one transaction. Each is still acknowledged only after its commit.

Groups that the database refuses while it accepts others are requeued, to be retried later with different groups. While
it refuses everything they are held here and retried with increasing delays, and at once when other groups arrive.
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

# The most deliveries in one transaction; a single group may have more.
MOST_DELIVERIES = 500
# Seconds between retries of held groups: doubled from the first to the longest.
_FIRST_PAUSE = 0.1
_LONGEST_PAUSE = 5.0

Commit = Callable[[Sequence[Delivery]], Apart]
"""Settles deliveries and returns the outcome; all that are not refused have committed."""


class RefusedError(WorkersError):
    """The database refuses part of this group but accepts others; the group is requeued."""

    def __init__(self) -> None:
        super().__init__(
            "The database refuses deliveries of this group; they stay in the queue. See `database_refuses` in the log."
        )


class _Entry:
    """A group, and the thread waiting for it."""

    def __init__(self, group: Sequence[Delivery]) -> None:
        self.group = group
        self.done: Future[None] = Future()


class Gathering:
    """Commits groups of deliveries, one transaction at a time; groups that arrive meanwhile share the next one."""

    def __init__(self, commit: Commit, stopping: threading.Event | None = None) -> None:
        """Settle groups with `commit` until `stopping`; see `wake`."""
        self._commit = commit
        self._stopping = stopping or threading.Event()
        self._waiting: deque[_Entry] = deque()
        self._news = threading.Event()
        self._turn = threading.Lock()
        # Only accessed by the thread whose turn it is.
        self._held: list[_Entry] = []
        self._pause = _FIRST_PAUSE

    def settle(self, group: Sequence[Delivery]) -> None:
        """Return once the group has been committed.

        Raises:
            RefusedError: the database refuses it but accepts others.
            StoppingError: the database refuses everything, and the worker is stopping.
            Exception: the commit's error; part of the group is not committed.
        """
        entry = _Entry(group)
        self._waiting.append(entry)
        self._news.set()
        with self._turn:
            while not entry.done.done():
                self._settle_waiting()
        entry.done.result()

    def wake(self) -> None:
        """Release held groups if the worker is stopping."""
        self._news.set()

    def _settle_waiting(self) -> None:
        """Commit the longest-waiting groups, up to the limit; if there are none, the held ones."""
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
        """Take the groups for the next transaction: new ones first, then held ones."""
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
