"""One connection: its limits of size and time, and closing it."""

import asyncio
import math
from typing import Any

from uvicorn.protocols.http.flow_control import FlowControl

from receiver.body import UnreadableBodyError
from receiver.connections import Connections, Limits
from receiver.joined_writes import JoinedWrites
from receiver.refusal import RefusedError
from receiver.whole_requests import DEAF, NotHttpError, WholeRequests

# Bytes parsed at once: the most that pipelined requests may buffer.
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
    """The headers were incomplete at their deadline."""

    status = 408
    reason = "head_too_slow"
    sentence = "The request's headers did not arrive in time."


class LimitedConnection(WholeRequests):
    """HTTP on one connection, within limits.

    Attributes:
        due: when `expire` is called, in loop time; infinite while an answer is pending.
    """

    transport: JoinedWrites  # type: ignore[assignment]  # it has every method that is used

    url = b""
    due = math.inf
    # Since the last progress: the start of a head, its end, or a part of a body.
    _bytes = 0
    _is_in_head = False
    _head_due = math.inf
    _is_stuck = False
    _is_lingering = False
    _has_ended = False
    _refusal: type[RefusedError] | None = None
    _held: memoryview | None = None

    def __init__(self, *arguments: Any, connections: Connections | None = None, **named: Any) -> None:
        super().__init__(*arguments, **named)
        self._connections = connections or Connections(Limits())
        self._limits = self._connections.limits

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn has it
        """Handle a new connection."""
        self.connections.add(self)
        self.transport = JoinedWrites(transport, self.loop, self._linger)
        self.flow = FlowControl(self.transport)  # type: ignore[arg-type]  # see above
        self.due = self.loop.time() + self._limits.silent_seconds
        self._connections.opened(self, self.loop)

    def connection_lost(self, exc: Exception | None) -> None:
        """Clean up after a connection."""
        self.due = math.inf
        self._held = None
        self._connections.closed(self)
        if self.cycle is not None:
            self._connections.body_ends(self.cycle)
        super().connection_lost(exc)
        # Or these would hold each other, and what they hold, until the garbage collector comes by.
        self.pipeline.clear()
        self.transport.release()

    def data_received(self, data: bytes) -> None:
        """Parse received data, up to the limit for pipelined requests."""
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
        """Start a request."""
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
                raise refusal  # stops parsing
        super().on_headers_complete()
        self._bytes = 0
        self._is_in_head = False
        self.due = math.inf

    def on_body(self, body: bytes) -> None:
        """Take a part of the body."""
        super().on_body(body)
        self._bytes = 0

    def on_message_complete(self) -> None:
        """Finish the body."""
        super().on_message_complete()
        if (cycle := self.cycle) is not None and cycle.is_counted:
            self._connections.body_ends(cycle)

    def on_response_complete(self) -> None:
        """Start the next pipelined request, or wait for one."""
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
        """Handle the sender's end of file. It may still read: return whether an answer is pending."""
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
        """Stop reading while the sender does not read its answers."""
        super().pause_writing()
        self.flow.pause_reading()
        self._is_stuck = True
        self.due = self.loop.time() + self._limits.head_seconds

    def resume_writing(self) -> None:
        """Resume reading."""
        super().resume_writing()
        self._is_stuck = False
        self._read_on_or_wait()

    def give_up(self, refusal: type[RefusedError] = NotHttpError) -> None:
        """Stop reading; see `WholeRequests`."""
        self._held = None
        super().give_up(self._refusal or refusal)

    def refuse_head(self, refusal: type[RefusedError]) -> None:
        """Answer a request with an incomplete head, after those before it."""
        self._connections.refused(refusal.reason)
        super().refuse_head(refusal)
        self._is_in_head = False
        self.due = math.inf

    def expire(self) -> None:
        """Close the connection at its deadline."""
        if self._is_stuck:
            self.abort()
        elif self._is_in_head:
            self.give_up(HeadTooSlowError)
        else:
            self.transport.close()

    def abort(self) -> None:
        """Close the connection immediately."""
        self.transport.abort()

    def _refusal_of_head(self, most_bytes: int) -> type[RefusedError] | None:
        if len(self.url) > self._limits.url_bytes:
            return UrlTooLongError
        if self._bytes > most_bytes or len(self.headers) > self._limits.headers:
            return HeadersTooLargeError
        return None

    def _linger(self) -> bool:
        """Briefly read and discard the rest of a body that was answered early.

        Closing a socket with unread bytes resets it, and the reset can overtake the answer: the sender would see a
        network error and retry, instead of the final refusal.
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
