"""The worker's transactions: while the database is away they wait, inside the worker, and nothing is given back."""

import threading
from collections.abc import Callable
from typing import Any, TypeVar

import psycopg
import structlog
from psycopg import errors

from runtime.connections import connect, cut_connection
from runtime.deadlines import deadlines
from workers.errors import WorkersError
from workers.running.frozen import frozen_ended
from workers.settings import WorkerSettings

# What the connection is called in `pg_stat_activity`.
_NAME = "rollcall worker"
# Seconds between two tries while the database is away: doubled from the first to the longest.
_FIRST_PAUSE = 0.1
_LONGEST_PAUSE = 5.0
# How long a transaction may take before its connection is taken for dead, in seconds. Doubled each time that it is
# reached, so that a transaction which waits for a long lock gets through in the end.
_FIRST_DEADLINE = 60.0
_LONGEST_DEADLINE = 3600.0

# What goes by itself: the server is away, restarts, is full, or another transaction was in the way (deadlocks and
# serialization failures are OperationalErrors); or it is still a standby after a failover.
_PASSING = (psycopg.OperationalError, psycopg.InterfaceError, errors.ReadOnlySqlTransaction)

# A batch finds its rows by their keys. While a table is small or its statistics are old, reading all of it looks
# cheaper to the planner, and the plan is kept while the table grows. (Postgres before 18 counts what is switched off
# as a cost so high that it would compile code for it.)
_BY_KEYS = """
    SELECT set_config(name, 'off', false)
    FROM unnest(ARRAY['enable_seqscan', 'enable_hashjoin', 'enable_mergejoin', 'jit']) AS name"""

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
        self._stopping = stopping
        self._notice = notice
        self._connection: psycopg.Connection[tuple[Any, ...]] | None = None

    def commit(self, work: Callable[[psycopg.Connection[tuple[Any, ...]]], Result]) -> Result:
        """Do `work` in one transaction and return its result once it has committed.

        What passes is waited for and tried again. `work` must bear to be done again: a commit whose answer was lost may
        have taken place.

        Raises:
            StoppingError: the worker stops while it waits.
            Exception: what `work` raises and does not pass by itself; nothing has been committed.
        """
        pause, deadline, tries = _FIRST_PAUSE, _FIRST_DEADLINE, 0
        while True:
            try:
                connection = self._connected()
                with (
                    deadlines.within(deadline, lambda: cut_connection(connection)),  # noqa: B023 - this round's
                    frozen_ended(connection, self._url, _NAME, self._dead_after),
                    connection.transaction(),
                ):
                    result = work(connection)
            except _PASSING as error:
                self._drop_connection()
                # The first time it may be just this connection that was dead; then there is nothing to wait for.
                if tries == 0 or isinstance(error, errors.DeadlockDetected | errors.SerializationFailure):
                    wait = 0.0
                else:
                    wait, pause = pause, min(pause * 2, _LONGEST_PAUSE)
                if tries == 1:
                    _log.warning("database_away", error=type(error).__name__)
                if tries > 0:
                    self._notice(False)  # noqa: FBT003 - the one thing that there is to say
                deadline = min(deadline * 2, _LONGEST_DEADLINE)
                tries += 1
                if self._stopping.wait(wait):
                    raise StoppingError from None
            except BaseException:
                self._drop_connection()
                raise
            else:
                if tries > 1:
                    _log.info("database_back", tries=tries)
                    self._notice(True)  # noqa: FBT003 - as above
                return result

    def close(self) -> None:
        """Close the connection; nothing commits any more."""
        self._drop_connection()

    def _connected(self) -> psycopg.Connection[tuple[Any, ...]]:
        if self._connection is None or self._connection.closed:
            connection = connect(self._url, name=_NAME, dead_after=self._dead_after)
            self._connection = connection
            with deadlines.within(_FIRST_DEADLINE, lambda: cut_connection(connection)):
                connection.execute(_BY_KEYS)
        return self._connection

    def _drop_connection(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.close()
