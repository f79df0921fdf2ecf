"""A request and its answer, between the connection and the application."""

import asyncio
import logging
from collections.abc import Callable
from typing import Any

from uvicorn._types import HTTPScope
from uvicorn.protocols.http.flow_control import FlowControl
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, RequestResponseCycle

from receiver.refusal import RefusedError


class Signal:
    """An `asyncio.Event` for a single waiter, at a fraction of the cost."""

    __slots__ = ("_is_set", "_waiter")

    def __init__(self) -> None:
        self._is_set = False
        self._waiter: asyncio.Future[None] | None = None

    def is_set(self) -> bool:
        """Return whether it was set since it was last cleared."""
        return self._is_set

    def set(self) -> None:
        """Wake the waiter, or let the next `wait` return at once."""
        self._is_set = True
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)

    def clear(self) -> None:
        """Let the next `wait` wait."""
        self._is_set = False

    async def wait(self) -> None:
        """Return once it is set."""
        if not self._is_set:
            self._waiter = asyncio.get_running_loop().create_future()
            try:
                await self._waiter
            finally:
                self._waiter = None


class Exchange(RequestResponseCycle):
    """A request and its answer.

    Attributes:
        size: bytes of the body received so far.
        is_counted: whether they count towards the incomplete bodies.
        refusal: why reading the body was stopped; None while it is read.
    """

    size = 0
    is_counted = False
    refusal: type[RefusedError] | None = None

    # What uvicorn's class sets for each; set here once.
    disconnected = False
    more_body = True
    response_started = False
    response_complete = False

    def __init__(  # noqa: PLR0913, PLR0917 - of what uvicorn's class takes, what is used here
        self,
        scope: HTTPScope,
        transport: asyncio.Transport,
        flow: FlowControl,
        logger: logging.Logger,
        default_headers: list[tuple[bytes, bytes]],
        on_response: Callable[[], None],
        *,
        expects_100_continue: bool,
        keep_alive: bool,
    ) -> None:
        """Start an exchange; see `RequestResponseCycle`."""
        self.scope = scope
        self.transport = transport
        self.flow = flow
        self.logger = logger
        self.default_headers = default_headers
        self.on_response = on_response
        self.waiting_for_100_continue = expects_100_continue
        self.keep_alive = keep_alive
        self.body = bytearray()
        self.message_event = Signal()  # type: ignore[assignment]  # what is used of an event

    def refuse(self, refusal: type[RefusedError]) -> None:
        """Stop reading the body; the application's next `receive` raises `refusal`."""
        self.refusal = refusal
        self.body = bytearray()
        self.message_event.set()

    async def receive(self) -> Any:
        """Return the next ASGI message of the body.

        Raises:
            RefusedError: reading the body was stopped.
        """
        if self.waiting_for_100_continue and not self.transport.is_closing():
            self.transport.write(b"HTTP/1.1 100 Continue\r\n\r\n")
            self.waiting_for_100_continue = False
        if not (self.disconnected or self.response_complete):
            # Anything after a complete body is another request: it can wait.
            if self.more_body:
                self.flow.resume_reading()
            if not self.message_event.is_set():
                await self.message_event.wait()
            self.message_event.clear()
        if self.refusal is not None:
            raise self.refusal
        if self.disconnected or self.response_complete:
            return {"type": "http.disconnect"}
        body, self.body = self.body, bytearray()  # not copied: much may be under way
        return {"type": "http.request", "body": body, "more_body": self.more_body}

    async def send(self, message: Any) -> None:
        """Send an ASGI message of the answer. An answer sent before the body is complete closes the connection.

        Every answer has a `content-length` and only our own headers, so uvicorn's checks of each header are skipped.
        """
        if self.flow.write_paused and not self.disconnected:
            await self.flow.drain()
        if self.disconnected:
            return
        if message["type"] == "http.response.start":
            self.response_started = True
            self.waiting_for_100_continue = False
            if self.more_body:
                self.keep_alive = False
            lines = [STATUS_LINE[message["status"]]]
            for name, value in self.default_headers:
                lines += (name, b": ", value, b"\r\n")
            for name, value in message["headers"]:
                lines += (name, b": ", value, b"\r\n")
            lines.append(b"\r\n" if self.keep_alive else b"connection: close\r\n\r\n")
            self.transport.write(b"".join(lines))
            return
        if self.scope["method"] != "HEAD":
            self.transport.write(message["body"])
        if not message.get("more_body", False):
            self.response_complete = True
            self.message_event.set()
            if not self.keep_alive:
                self.transport.close()
            self.on_response()
