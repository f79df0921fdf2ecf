"""All connections of a receiver, with their individual and shared limits."""

import asyncio
import math
import resource
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import structlog

from receiver.exchange import Exchange
from receiver.refusal import RefusedError

# Descriptors reserved for the queue, the spool, the key documents and the metrics, besides those open at startup.
_SPARE_DESCRIPTORS = 32
_LEAST_CONNECTIONS = 8
# Seconds between log lines about the same shortage.
_LINE_EVERY = 60.0

_log = structlog.get_logger(__name__)


class BodiesTooLargeError(RefusedError):
    """All incomplete bodies together exceed `MAX_BODIES_BYTES`, and this one is the largest."""

    status = 503
    reason = "bodies_too_large"
    sentence = "Too much is being received at once; send it again."


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """Limits of size and time for each connection, and for all together.

    Attributes:
        header_bytes: of a request's headers; also of trailers, and of whatever stands between two parts of a body.
        headers: the number of headers.
        url_bytes: of a request's URL.
        silent_seconds: until a new connection must have sent something.
        head_seconds: from a head's first byte to its last; also for the sender to read an answer.
        idle_seconds: between an answer and the next request.
        linger_seconds: for discarding the rest of a body that was answered early.
        bodies_bytes: received in all incomplete bodies together.
        small_body_bytes: smaller bodies are never refused because of `bodies_bytes`.
        connections: concurrent connections; None for as many as there are descriptors.
    """

    header_bytes: int = 65_536
    headers: int = 128
    url_bytes: int = 8_192
    silent_seconds: float = 10.0
    head_seconds: float = 10.0
    idle_seconds: float = 5.0
    linger_seconds: float = 1.0
    bodies_bytes: int = 64 * 2**20
    small_body_bytes: int = 65_536
    connections: int | None = None


class Connection(Protocol):
    """What `Connections` needs of a connection."""

    due: float

    def expire(self) -> None:
        """Close it at its deadline."""

    def abort(self) -> None:
        """Close it immediately."""


class Connections:
    """The connections of a receiver process; lives in its event loop.

    Attributes:
        limits: for each connection and for all together.
        open: the open connections.
        unfinished_bytes: received in all incomplete bodies.
        refused: called with the reason of a refusal that the application does not see.
        crowded_out: called when a connection was closed for lack of descriptors.
    """

    def __init__(
        self,
        limits: Limits,
        refused: Callable[[str], None] = lambda _reason: None,
        crowded_out: Callable[[], None] = lambda: None,
    ) -> None:
        self.limits = limits
        self.refused = refused
        self.crowded_out = crowded_out
        self._most = limits.connections or _connections_possible()
        # One timer for all: one per connection would cost more than the rest of its handling here.
        self._interval = min(limits.silent_seconds, limits.head_seconds, limits.idle_seconds, limits.linger_seconds) / 8
        self._loop: asyncio.AbstractEventLoop | None = None
        self.open: set[Connection] = set()
        self._unfinished: dict[Exchange, int] = {}
        self.unfinished_bytes = 0
        self._last_line = -math.inf

    def opened(self, connection: Connection, loop: asyncio.AbstractEventLoop) -> None:
        """Add a connection. If there are too many, close the one that has been idle longest."""
        if len(self.open) >= self._most:
            self._make_room(connection, loop)
        self.open.add(connection)
        if self._loop is None:
            self._loop = loop
            loop.call_later(self._interval, self._look)

    def closed(self, connection: Connection) -> None:
        """Remove a connection."""
        self.open.discard(connection)

    def body_grows(self, exchange: Exchange) -> None:
        """Count received bytes of an incomplete body."""
        exchange.is_counted = True
        self.unfinished_bytes += exchange.size - self._unfinished.get(exchange, 0)
        self._unfinished[exchange] = exchange.size
        while self.unfinished_bytes > self.limits.bodies_bytes:
            largest = max(self._unfinished, key=self._unfinished.__getitem__)
            if self._unfinished[largest] < self.limits.small_body_bytes:
                return
            self.body_ends(largest)
            largest.refuse(BodiesTooLargeError)

    def body_ends(self, exchange: Exchange) -> None:
        """Stop counting a body that is complete or abandoned."""
        exchange.is_counted = False
        self.unfinished_bytes -= self._unfinished.pop(exchange, 0)

    def _make_room(self, newest: Connection, loop: asyncio.AbstractEventLoop) -> None:
        waiting = min(self.open, key=lambda connection: connection.due)
        (newest if math.isinf(waiting.due) else waiting).abort()
        self.crowded_out()
        if loop.time() - self._last_line >= _LINE_EVERY:
            self._last_line = loop.time()
            _log.error(
                "descriptors_exhausted",
                connections=len(self.open),
                remedy="let a proxy hold back idle connections, or raise the limit of open files (ulimit -n)",
            )

    def _look(self) -> None:
        loop = self._loop
        if loop is None or not self.open:
            self._loop = None
            return
        now = loop.time()
        for connection in [one for one in self.open if one.due <= now]:
            connection.expire()
        loop.call_later(self._interval, self._look)


def _connections_possible() -> int:
    most, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    if most == resource.RLIM_INFINITY:
        return 2**31
    open_now = len(list(Path("/dev/fd").iterdir()))
    return max(_LEAST_CONNECTIONS, most - open_now - _SPARE_DESCRIPTORS)
