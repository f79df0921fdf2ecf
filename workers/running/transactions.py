"""The worker's transactions: while the database is away they wait in the worker, and nothing is requeued."""

import threading
from collections.abc import Callable, Iterable
from typing import Any, TypeVar

import psycopg
import structlog

from runtime.connections import connect, cut_connection
from runtime.database_errors import Cause, cause_of
from runtime.deadlines import deadlines
from runtime.error_message import message_without_values
from runtime.session import Session
from workers.errors import WorkersError
from workers.running.frozen import frozen_ended
from workers.settings import WorkerSettings

# The connection's `application_name`.
_NAME = "rollcall worker"
# Seconds between attempts: doubled from the first to the longest.
_FIRST_PAUSE = 0.1
_LONGEST_PAUSE = {Cause.AWAY: 5.0, Cause.CONTENTION: 0.8}
# Seconds that a transaction may take before its connection counts as dead. Doubled each time it is reached, so that a
# transaction waiting for a long lock eventually succeeds.
_FIRST_DEADLINE = 60.0
_LONGEST_DEADLINE = 3600.0

# Consecutive attempts that failed by contention before it is logged.
_MANY_TRIES = 5

# A batch looks its rows up by key. While a table is small or its statistics are old, a sequential scan looks cheaper to
# the planner, and that plan is kept while the table grows. (Postgres before 18 adds such a high cost for disabled scans
# that it would trigger JIT compilation.)
_BY_KEYS = dict.fromkeys(("enable_seqscan", "enable_hashjoin", "enable_mergejoin", "jit"), "off")

Result = TypeVar("Result")

_log = structlog.get_logger(__name__)


class StoppingError(WorkersError):
    """The worker stops while waiting for the database. Its message is not committed and is requeued."""

    def __init__(self) -> None:
        super().__init__("The worker is stopping; uncommitted messages are requeued.")


class Database:
    """The database of the tables: one lazily opened connection, for one transaction at a time."""

    def __init__(
        self, settings: WorkerSettings, stopping: threading.Event, notice: Callable[[bool], None] = lambda _is_up: None
    ) -> None:
        """Use `stopping` to end waits; `notice` is called when the server becomes available or unavailable."""
        self._url = settings.database_url
        self._dead_after = settings.dead_after
        self.stopping = stopping
        self._notice = notice
        self._connection: Session | None = None

    def commit(
        self, work: Callable[[psycopg.Connection[tuple[Any, ...]]], Result], bodies: Iterable[bytes] = ()
    ) -> Result:
        """Run `work` in one transaction and return its result once it has committed.

        Transient errors (see `Cause`) are retried, so `work` must be idempotent: a commit whose response was lost may
        have happened.

        Args:
            work: gets the connection, in the transaction.
            bodies: the bodies that it writes, which must not be logged.

        Raises:
            StoppingError: the worker stops while it waits.
            Exception: a permanent error of `work`; nothing has been committed.
        """
        waits = _Waits(self._notice)
        deadline = _FIRST_DEADLINE
        while True:
            try:
                connection = self._connected()
                with (
                    deadlines.within(deadline, lambda: cut_connection(connection)),  # noqa: B023 - this round's
                    connection.transaction(),
                    frozen_ended(connection, self._url, _NAME, self._dead_after),
                ):
                    result = work(connection)
            except psycopg.Error as error:
                self._drop_connection()
                cause = cause_of(error)
                if cause not in {Cause.AWAY, Cause.CONTENTION}:
                    raise
                deadline = min(deadline * 2, _LONGEST_DEADLINE)
                if self.stopping.wait(waits.before_next_try(cause, error, bodies)):
                    raise StoppingError from None
            except BaseException:
                self._drop_connection()
                raise
            else:
                waits.over()
                return result

    def close(self) -> None:
        """Close the connection; nothing can commit afterwards."""
        self._drop_connection()

    def _connected(self) -> Session:
        if self._connection is None or self._connection.closed:
            self._connection = connect(self._url, name=_NAME, dead_after=self._dead_after, settings=_BY_KEYS)
        return self._connection

    def _drop_connection(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.close()


class _Waits:
    """The waits between one transaction's attempts, and their logging."""

    def __init__(self, notice: Callable[[bool], None]) -> None:
        self._notice = notice
        self._tries = {Cause.AWAY: 0, Cause.CONTENTION: 0}
        self._pause = _FIRST_PAUSE

    def before_next_try(self, cause: Cause, error: psycopg.Error, bodies: Iterable[bytes]) -> float:
        """Return how many seconds to wait after a transient error."""
        self._tries[cause] += 1
        tries = self._tries[cause]
        if cause is Cause.AWAY:
            if tries == 2:  # noqa: PLR2004 - see below
                says = message_without_values(error, bodies)
                _log.warning("database_away", error=type(error).__name__, sqlstate=error.sqlstate, says=says)
            if tries > 1:
                self._notice(False)  # noqa: FBT003 - the only argument
        elif tries == _MANY_TRIES:
            says = message_without_values(error, bodies)
            _log.warning("database_contended", tries=tries, sqlstate=error.sqlstate, says=says)
        # After the first error retry at once: this connection may have been dead, or the other transaction may be done.
        if tries == 1:
            return 0.0
        wait, self._pause = self._pause, min(self._pause * 2, max(_LONGEST_PAUSE.values()))
        return min(wait, _LONGEST_PAUSE[cause])

    def over(self) -> None:
        """Record that the transaction succeeded."""
        if self._tries[Cause.AWAY] > 1:
            _log.info("database_back", tries=sum(self._tries.values()))
            self._notice(True)  # noqa: FBT003 - as above
