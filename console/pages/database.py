"""The pages' connections: a few, read-only, each for one page at a time."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
from psycopg.pq import TransactionStatus

from console.pages.data_map import DataMap, RoleSight
from console.pages.entrance.roles import Role, sees
from console.pages.refusals import BusyError
from console.queries.tables import Tables, told_clearly
from runtime.connections import connect
from runtime.session import Session

# Pages that read at once, which is what the console may cost the database.
_CONNECTIONS = 6
# Files at once, and seconds that another waits for its turn.
_COPIES = 2
_PATIENCE = 5.0
# Acts at once.
_CHANGES = 2
# Milliseconds, after which a page says that it asks for too much.
_LONGEST_STATEMENT = "8000"


class Database:
    """The database as pages see it."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._turns = threading.Semaphore(_CONNECTIONS)
        self._copies = threading.Semaphore(_COPIES)
        self._changes = threading.Semaphore(_CHANGES)
        self._lock = threading.Lock()
        self._idle: list[Session] = []
        self._data_map = DataMap()

    @property
    def url(self) -> str:
        """Where it is; may hold a password."""
        return self._url

    @contextmanager
    def reading(self, role: Role) -> Iterator[Tables]:
        """Open a snapshot for somebody with a role.

        Raises:
            CommandFailedError: as `console.queries.tables.open_tables`.
        """
        with told_clearly(self._url), self._connection() as connection, connection.transaction():
            connection.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
            yield Tables(connection, RoleSight(self._data_map, sees(role)))

    @contextmanager
    def copying(self, role: Role) -> Iterator[Tables]:
        """Open a snapshot for a file, which may be held for long: never one of those that pages need.

        Raises:
            BusyError: enough files are being read.
            CommandFailedError: as `console.queries.tables.open_tables`.
        """
        if not self._copies.acquire(timeout=_PATIENCE):
            raise BusyError
        try:
            with told_clearly(self._url), self._connect() as connection, connection.transaction():
                connection.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
                yield Tables(connection, RoleSight(self._data_map, sees(role)))
        finally:
            self._copies.release()

    @contextmanager
    def changing(self) -> Iterator[Session]:
        """Open a connection outside a transaction, for acts and for the audit.

        Not one of those for reading: somebody who waits for it may hold one of those.

        Raises:
            CommandFailedError: as `console.queries.tables.open_tables`.
        """
        with self._changes, told_clearly(self._url), connect(self._url, name="rollcall pages") as connection:
            yield connection

    def close(self) -> None:
        """Close the connections that nobody uses."""
        with self._lock:
            for connection in self._idle:
                connection.close()
            self._idle.clear()

    @contextmanager
    def _connection(self) -> Iterator[Session]:
        with self._turns:
            connection = self._take()
            try:
                yield connection
            finally:
                is_whole = not connection.closed and connection.info.transaction_status == TransactionStatus.IDLE
                if is_whole:
                    with self._lock:
                        self._idle.append(connection)
                else:
                    connection.close()

    def _connect(self) -> Session:
        return connect(self._url, name="rollcall pages", settings={"statement_timeout": _LONGEST_STATEMENT})

    def _take(self) -> Session:
        while True:
            with self._lock:
                connection = self._idle.pop() if self._idle else None
            if connection is None:
                return self._connect()
            try:
                # The server may have been restarted meanwhile.
                connection.execute("")
            except psycopg.OperationalError:
                connection.close()
                continue
            return connection
