"""The worker's transactions: while the database is away they wait, inside the worker, and nothing is given back."""

import threading
from collections.abc import Callable, Iterable
from typing import Any, TypeVar

import psycopg
import structlog

from runtime.connections import connect, cut_connection
from runtime.database_errors import Cause, cause_of
from runtime.deadlines import deadlines
from runtime.error_message import message_without_values
from workers.errors import WorkersError
from workers.running.frozen import frozen_ended
from workers.settings import WorkerSettings

# What the connection is called in `pg_stat_activity`.
_NAME = "rollcall worker"
# Seconds between two tries: doubled from the first to the longest.
_FIRST_PAUSE = 0.1
_LONGEST_PAUSE = {Cause.AWAY: 5.0, Cause.CONTENTION: 0.8}
# How long a transaction may take before its connection is taken for dead, in seconds. Doubled each time that it is
# reached, so that a transaction which waits for a long lock gets through in the end.
_FIRST_DEADLINE = 60.0
_LONGEST_DEADLINE = 3600.0

# Tries in a row at which somebody was in the way, before it is worth a line in the log.
_MANY_TRIES = 5

# A batch finds its rows by their keys. While a table is small or its statistics are old, reading all of it looks
# cheaper to the planner, and the plan is kept while the table grows. (Postgres before 18 counts what is switched off
# as a cost so high that it would compile code for it.)
_BY_KEYS = dict.fromkeys(("enable_seqscan", "enable_hashjoin", "enable_mergejoin", "jit"), "off")

Result = TypeVar("Result")

_log = structlog.get_logger(__name__)


class StoppingError(WorkersError):
    """The worker stops while it waits for the database. Its message is not committed and goes back to the queue."""

    def __init__(self) -> None:
        super().__init__("The worker stops; what it has not committed goes back to the queue.")


class Database:
    """The tables' database: one connection, opened when it is first needed, for one transaction at a time."""

    def __init__(
        self, settings: WorkerSettings, stopping: threading.Event, notice: Callable[[bool], None] = lambda _is_up: None
    ) -> None:
        """Connect as the settings say until `stopping`; `notice` hears whether the server is there when it changes."""
        self._url = settings.database_url
        self._dead_after = settings.dead_after
        self.stopping = stopping
        self._notice = notice
        self._connection: psycopg.Connection[tuple[Any, ...]] | None = None

    def commit(
        self, work: Callable[[psycopg.Connection[tuple[Any, ...]]], Result], bodies: Iterable[bytes] = ()
    ) -> Result:
        """Do `work` in one transaction and return its result once it has committed.

        What passes by itself (see `Cause`) is waited for and tried again. `work` must bear to be done again: a commit
        whose answer was lost may have taken place.

        Args:
            work: gets the connection, in the transaction.
            bodies: that it writes, which no log may show.

        Raises:
            StoppingError: the worker stops while it waits.
            Exception: what `work` raises and does not pass by itself; nothing has been committed.
        """
        waits = _Waits(self._notice)
        deadline = _FIRST_DEADLINE
        while True:
            try:
                connection = self._connected()
                with (
                    deadlines.within(deadline, lambda: cut_connection(connection)),  # noqa: B023 - this round's
                    frozen_ended(connection, self._url, _NAME, self._dead_after),
                    connection.transaction(),
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
        """Close the connection; nothing commits any more."""
        self._drop_connection()

    def _connected(self) -> psycopg.Connection[tuple[Any, ...]]:
        if self._connection is None or self._connection.closed:
            self._connection = connect(self._url, name=_NAME, dead_after=self._dead_after, settings=_BY_KEYS)
        return self._connection

    def _drop_connection(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.close()


class _Waits:
    """The waits of one transaction that is tried again and again, and what is said of them."""

    def __init__(self, notice: Callable[[bool], None]) -> None:
        self._notice = notice
        self._tries = {Cause.AWAY: 0, Cause.CONTENTION: 0}
        self._pause = _FIRST_PAUSE

    def before_next_try(self, cause: Cause, error: psycopg.Error, bodies: Iterable[bytes]) -> float:
        """Return how many seconds to wait after an error that passes by itself."""
        self._tries[cause] += 1
        tries = self._tries[cause]
        if cause is Cause.AWAY:
            if tries == 2:  # noqa: PLR2004 - see below
                says = message_without_values(error, bodies)
                _log.warning("database_away", error=type(error).__name__, sqlstate=error.sqlstate, says=says)
            if tries > 1:
                self._notice(False)  # noqa: FBT003 - the one thing that there is to say
        elif tries == _MANY_TRIES:
            says = message_without_values(error, bodies)
            _log.warning("database_contended", tries=tries, sqlstate=error.sqlstate, says=says)
        # The first time it may be just this connection that was dead, or the other has finished by now; then there is
        # nothing to wait for.
        if tries == 1:
            return 0.0
        wait, self._pause = self._pause, min(self._pause * 2, max(_LONGEST_PAUSE.values()))
        return min(wait, _LONGEST_PAUSE[cause])

    def over(self) -> None:
        """Note that it went through."""
        if self._tries[Cause.AWAY] > 1:
            _log.info("database_back", tries=sum(self._tries.values()))
            self._notice(True)  # noqa: FBT003 - as above
