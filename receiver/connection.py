"""One connection: its limits in size and time, and its end."""

import asyncio
import math
from typing import Any

from receiver.body import UnreadableBodyError
from receiver.connections import Connections, Limits
from receiver.joined_writes import JoinedWrites
from receiver.refusal import RefusedError
from receiver.whole_requests import DEAF, NotHttpError, WholeRequests

# What is parsed at once: requests that wait for the answer to one before them are this many bytes at most.
_SLICE_BYTES = 4_096


class HeadersTooLargeError(RefusedError):
    """The headers are too many or too long."""

    status = 431
    reason = "headers_too_large"
    sentence = "The request's headers are larger than this receiver takes."


class UrlTooLongError(RefusedError):
    """The URL is too long."""

    status = 414
    reason = "url_too_long"
    sentence = "The request's URL is longer than this receiver takes."


class HeadTooSlowError(RefusedError):
    """The headers were not whole by their deadline."""

    status = 408
    reason = "head_too_slow"
    sentence = "The request's headers did not arrive in time."


class LimitedConnection(WholeRequests):
    """HTTP on one connection, within limits.

    Attributes:
        due: when `expire` is called, in the loop's time; infinite while the receiver owes an answer.
    """

    transport: JoinedWrites  # type: ignore[assignment]  # it has all of a transport that is used

    def __init__(self, *arguments: Any, connections: Connections | None = None, **named: Any) -> None:
        super().__init__(*arguments, **named)
        self.due = math.inf
        self.url = b""
        self._connections = connections or Connections(Limits())
        self._limits = self._connections.limits
        # Since the last sign of progress: the begin of a head, its end, or a part of a body.
        self._bytes = 0
        self._is_in_head = False
        self._head_due = math.inf
        self._is_stuck = False
        self._is_lingering = False
        self._has_ended = False
        self._refusal: type[RefusedError] | None = None
        self._held: memoryview | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn has it
        """Begin with a connection."""
        super().connection_made(JoinedWrites(transport, self.loop, self._linger))  # type: ignore[arg-type]  # see above
        self.due = self.loop.time() + self._limits.silent_seconds
        self._connections.opened(self, self.loop)

    def connection_lost(self, exc: Exception | None) -> None:
        """End with a connection."""
        self.due = math.inf
        self._held = None
        self._connections.closed(self)
        if self.cycle is not None:
            self._connections.body_ends(self.cycle)
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Parse what has arrived, or as much as can be answered."""
        if self.parser is DEAF:
            return
        if len(data) <= _SLICE_BYTES and self._held is None:
            self._parse(data)
            return
        held = self._held
        self._held = memoryview(data if held is None else b"".join((held, data)))
        self._parse_held()

    def _parse_held(self) -> None:
        while self._held is not None and not self.pipeline:
            part, rest = self._held[:_SLICE_BYTES], self._held[_SLICE_BYTES:]
            self._held = rest or None
            self._parse(part)
        if self._held is not None:
            self.flow.pause_reading()

    def _parse(self, data: bytes | memoryview) -> None:
        self.read(data)
        self._bytes += len(data)
        cycle = self.cycle
        if self._is_in_head:
            if refusal := self._refusal_of_head(self._limits.header_bytes + _SLICE_BYTES):
                self.give_up(refusal)
        elif cycle is not None and cycle.more_body and cycle.refusal is None and not cycle.response_complete:
            if self._bytes > self._limits.header_bytes + _SLICE_BYTES:
                self.give_up()
            else:
                self._connections.body_grows(cycle)

    def on_message_begin(self) -> None:
        """Begin with a request."""
        super().on_message_begin()
        self._bytes = 0
        self._is_in_head = True
        self.due = self._head_due = self.loop.time() + self._limits.head_seconds

    def on_headers_complete(self) -> None:
        """Hand the request to the application, unless its head is too large."""
        if self._bytes or len(self.headers) > self._limits.headers or len(self.url) > self._limits.url_bytes:
            self._bytes = sum(len(name) + len(value) + len(b": \r\n") for name, value in self.headers)
            if refusal := self._refusal_of_head(self._limits.header_bytes):
                self._refusal = refusal
                raise refusal  # so that nothing after it is parsed
        super().on_headers_complete()
        self._bytes = 0
        self._is_in_head = False
        self.due = math.inf

    def on_body(self, body: bytes) -> None:
        """Take a part of the body."""
        super().on_body(body)
        self._bytes = 0

    def on_message_complete(self) -> None:
        """Note that the body is whole."""
        super().on_message_complete()
        if (cycle := self.cycle) is not None and cycle.is_counted:
            self._connections.body_ends(cycle)

    def on_response_complete(self) -> None:
        """Go on with the request that waits, or wait for the next."""
        self.server_state.total_requests += 1
        if self._is_lingering or self.transport.is_closing():
            return
        if self.pipeline:
            self._start_asgi_task(*self.pipeline.pop())
        if not self._is_stuck:
            self._read_on_or_wait()

    def _read_on_or_wait(self) -> None:
        self._parse_held()
        if self._held is None and not self.pipeline:
            self.flow.resume_reading()
        if self._is_in_head:
            self.due = self._head_due
        else:
            is_owed = self.cycle is not None and not self.cycle.response_complete
            self.due = math.inf if is_owed else self.loop.time() + self._limits.idle_seconds

    def eof_received(self) -> bool:  # type: ignore[override]  # asyncio asks for it
        """Note that the sender sends no more. It may still read: returns whether it is owed an answer."""
        self.transport.flush()
        cycle = self.cycle
        if self._is_lingering or cycle is None or cycle.response_complete:
            return False
        if cycle.more_body:
            if not self.pipeline:
                return False
            cycle.refuse(UnreadableBodyError)
        self._has_ended = True
        self._is_in_head = False
        self.due = math.inf
        cycle.keep_alive = False
        return True

    def pause_writing(self) -> None:
        """Note that the sender takes no answers in: then nothing more is taken from it either."""
        super().pause_writing()
        self.flow.pause_reading()
        self._is_stuck = True
        self.due = self.loop.time() + self._limits.head_seconds

    def resume_writing(self) -> None:
        """Note that it does."""
        super().resume_writing()
        self._is_stuck = False
        self._read_on_or_wait()

    def give_up(self, refusal: type[RefusedError] = NotHttpError) -> None:
        """Read no more; see `WholeRequests`."""
        self._held = None
        super().give_up(self._refusal or refusal)

    def refuse_head(self, refusal: type[RefusedError]) -> None:
        """Answer a request without a whole head in its turn."""
        self._connections.refused(refusal.reason)
        super().refuse_head(refusal)
        self._is_in_head = False
        self.due = math.inf

    def expire(self) -> None:
        """End the connection: its time is up."""
        if self._is_stuck:
            self.abort()
        elif self._is_in_head:
            self.give_up(HeadTooSlowError)
        else:
            self.transport.close()

    def abort(self) -> None:
        """End the connection at once."""
        self.transport.abort()

    def _refusal_of_head(self, most_bytes: int) -> type[RefusedError] | None:
        if len(self.url) > self._limits.url_bytes:
            return UrlTooLongError
        if self._bytes > most_bytes or len(self.headers) > self._limits.headers:
            return HeadersTooLargeError
        return None

    def _linger(self) -> bool:
        """Read and throw away what still arrives after an answer that did not wait for it, for a moment.

        A socket closed with unread bytes is reset, and a reset can overtake the answer: the sender would see a network
        error and send the same again, instead of the refusal that is final.
        """
        cycle = self.cycle
        if self._is_lingering or self._has_ended or cycle is None or not cycle.more_body or cycle.disconnected:
            return False
        self._is_lingering = True
        self._held = None
        self._connections.body_ends(cycle)
        self.parser = DEAF
        self.transport.write_eof()
        self.flow.resume_reading()
        self.due = self.loop.time() + self._limits.linger_seconds
        return True
