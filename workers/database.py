"""The worker's transactions: while the database is away they wait, inside the worker, and nothing is given back."""

import threading
from collections.abc import Callable
from typing import Any

import psycopg
import structlog
from psycopg import errors

from workers.queue.deadline import deadlines
from workers.queue.postgres_connection import connect, cut_connection

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

_log = structlog.get_logger(__name__)


class StoppingError(Exception):
    """The worker stops while it waits for the database. Its message is not committed and goes back to the queue."""

    def __init__(self) -> None:
        super().__init__("The worker stops; what it has not committed goes back to the queue.")


class Database:
    """The tables' database: one connection for each worker thread, opened when it is first needed."""

    def __init__(self, url: str, stopping: threading.Event) -> None:
        self._url = url
        self._stopping = stopping
        self._state = threading.local()
        self._open: set[psycopg.Connection[tuple[Any, ...]]] = set()

    def commit(self, work: Callable[[psycopg.Connection[tuple[Any, ...]]], None]) -> None:
        """Do `work` in one transaction and return once it has committed. What passes is waited for and tried again.

        `work` must bear to be done again: a commit whose answer was lost may have taken place.

        Raises:
            StoppingError: the worker stops while it waits.
            Exception: what `work` raises and does not pass by itself; nothing has been committed.
        """
        pause, deadline, tries = _FIRST_PAUSE, _FIRST_DEADLINE, 0
        while True:
            try:
                connection = self._connection()
                with deadlines.within(deadline, lambda: cut_connection(connection)), connection.transaction():  # noqa: B023 - this round's
                    work(connection)
            except _PASSING as error:
                self._drop_connection()
                # The first time it may be just this connection that was dead; then there is nothing to wait for.
                if tries == 0 or isinstance(error, errors.DeadlockDetected | errors.SerializationFailure):
                    wait = 0.0
                else:
                    wait, pause = pause, min(pause * 2, _LONGEST_PAUSE)
                if tries == 1:
                    _log.warning("database_away", error=type(error).__name__)
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
                return

    def close(self) -> None:
        """Close the connections of all threads; none of them commits any more."""
        while self._open:
            self._open.pop().close()

    def _connection(self) -> psycopg.Connection[tuple[Any, ...]]:
        connection: psycopg.Connection[tuple[Any, ...]] | None = getattr(self._state, "connection", None)
        if connection is None or connection.closed:
            connection = self._state.connection = connect(self._url, name="rollcall worker")
            self._open.add(connection)
        return connection

    def _drop_connection(self) -> None:
        connection = getattr(self._state, "connection", None)
        if connection is not None:
            self._state.connection = None
            self._open.discard(connection)
            connection.close()
