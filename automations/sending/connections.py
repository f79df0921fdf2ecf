"""The open connections to one host: the one used last is used next, and none is looked at but that.

The library's pool looks at all of them before and after each request, with a system call for each that is idle: at 32
connections, more than half of the CPU that sending took.
"""

import time
from collections import deque

import httpcore2


class Connections:
    """Connections as a pool makes them, kept open between requests."""

    def __init__(self, pool: httpcore2.AsyncConnectionPool, origin: httpcore2.Origin, keep: float) -> None:
        """Keep connections.

        Args:
            pool: makes them.
            origin: where they lead.
            keep: seconds that an idle one is kept.
        """
        self._pool = pool
        self._origin = origin
        self._keep = keep
        # With the time since when each is idle; the one used last is the last.
        self._idle: deque[tuple[httpcore2.AsyncConnectionInterface, float]] = deque()

    async def take(self) -> httpcore2.AsyncConnectionInterface:
        """Return a connection for one request: an open one, or one that opens when it is used."""
        while self._idle and time.monotonic() - self._idle[0][1] > self._keep:
            await self._idle.popleft()[0].aclose()
        while self._idle:
            connection, _ = self._idle.pop()
            if connection.is_available() and not connection.has_expired():
                return connection
            await connection.aclose()
        return self._pool.create_connection(self._origin)

    async def give_back(self, connection: httpcore2.AsyncConnectionInterface) -> None:
        """Keep a connection for the next request, or close it if the last one was not answered to its end."""
        if connection.is_available():
            self._idle.append((connection, time.monotonic()))
        elif not connection.is_closed():
            await connection.aclose()

    async def close(self) -> None:
        """Close all that are idle."""
        while self._idle:
            await self._idle.pop()[0].aclose()
