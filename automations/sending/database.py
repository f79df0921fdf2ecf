"""A connection to the database for an event loop: statements run in a thread of their own, one after the other."""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

import psycopg
import structlog

from runtime.connections import connect, cut_connection
from runtime.deadlines import deadlines
from runtime.session import Session

# Seconds that one use may take, and between tries while the database is away.
_DEADLINE = 30.0
_PAUSE = 1.0

Value = TypeVar("Value")

_log = structlog.get_logger(__name__)


class Database:
    """One connection, opened when it is needed and reopened after a failure."""

    def __init__(self, url: str, purpose: str) -> None:
        """Connect to `url` later.

        Args:
            url: `postgresql://…`.
            purpose: shown in `pg_stat_activity`.
        """
        self._url = url
        self._purpose = purpose
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix=purpose)
        self._connection: Session | None = None
        self._is_away = False

    async def use(self, do: Callable[[Session], Value]) -> Value:
        """Call `do` with the connection.

        Raises:
            psycopg.Error: the database is away, or refuses it. The next use connects again.
        """
        return await asyncio.get_running_loop().run_in_executor(self._thread, self._use, do)

    async def insist(self, do: Callable[[Session], Value]) -> Value:
        """Call `do` with the connection again and again until it succeeds."""
        while True:
            try:
                return await self.use(do)
            except psycopg.Error:
                await asyncio.sleep(_PAUSE)

    def close(self) -> None:
        """Close the connection."""
        self._thread.submit(self._drop).result(_DEADLINE)
        self._thread.shutdown(wait=False)

    def _use(self, do: Callable[[Session], Value]) -> Value:
        try:
            if self._connection is None:
                self._connection = connect(self._url, name=f"rollcall automations ({self._purpose})")
            connection = self._connection
            with deadlines.within(_DEADLINE, lambda: cut_connection(connection)):
                value = do(connection)
        except psycopg.Error as error:
            self._drop()
            if not self._is_away:
                self._is_away = True
                _log.warning(
                    "sending_waits", purpose=self._purpose, error=type(error).__name__, sqlstate=error.sqlstate
                )
            raise
        if self._is_away:
            self._is_away = False
            _log.info("sending_goes_on", purpose=self._purpose)
        return value

    def _drop(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.close()
