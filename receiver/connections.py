"""All connections of a receiver: what each may send, how long it may take, and what all may hold together."""

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

# Descriptors that the queue, the spool, the key documents and the metrics may need beside those open at the start.
_SPARE_DESCRIPTORS = 32
_LEAST_CONNECTIONS = 8
# Seconds between two lines about the same shortage.
_LINE_EVERY = 60.0

_log = structlog.get_logger(__name__)


class BodiesTooLargeError(RefusedError):
    """All unfinished bodies together are more than `MAX_BODIES_BYTES`, and this one is the largest."""

    status = 503
    reason = "bodies_too_large"
    sentence = "Too much is being received at once; send it again."


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What one connection may send and how long it may take, and what all may hold together.

    Attributes:
        header_bytes: of a request's headers; and of what may follow one part of a body before the next, trailers too.
        headers: their number.
        url_bytes: of a request's URL.
        silent_seconds: until a new connection has sent something.
        head_seconds: from a head's first byte until it is whole; and until a sender takes an answer in.
        idle_seconds: after an answer until the next request.
        linger_seconds: for which what still comes is thrown away after an answer that did not wait for the body.
        bodies_bytes: received of all unfinished bodies together.
        small_body_bytes: bodies below are never refused for what all hold.
        connections: at one time; None for as many as there are descriptors.
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
    """A connection, as far as all of them are looked at."""

    due: float

    def expire(self) -> None:
        """End it: its time is up."""

    def abort(self) -> None:
        """End it at once."""


class Connections:
    """The connections of a receiver process; lives in its event loop.

    Attributes:
        limits: for each and for all.
        open: those that are there now.
        unfinished_bytes: received of all bodies that are not whole yet.
        refused: is called with the reason of a refusal that the application does not see.
        crowded_out: is called when a connection was closed for want of descriptors.
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
        # One timer for all: a timer each would cost more than the rest of what a connection takes here.
        self._interval = min(limits.silent_seconds, limits.head_seconds, limits.idle_seconds, limits.linger_seconds) / 8
        self._loop: asyncio.AbstractEventLoop | None = None
        self.open: set[Connection] = set()
        self._unfinished: dict[Exchange, int] = {}
        self.unfinished_bytes = 0
        self._last_line = -math.inf

    def opened(self, connection: Connection, loop: asyncio.AbstractEventLoop) -> None:
        """Take in a connection. Where there are too many, the one that waits for a request longest makes room."""
        if len(self.open) >= self._most:
            self._make_room(connection, loop)
        self.open.add(connection)
        if self._loop is None:
            self._loop = loop
            loop.call_later(self._interval, self._look)

    def closed(self, connection: Connection) -> None:
        """Let go of a connection."""
        self.open.discard(connection)

    def body_grows(self, exchange: Exchange) -> None:
        """Note what has arrived of a body that is not whole yet."""
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
        """Note that no more of a body is waited for."""
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
