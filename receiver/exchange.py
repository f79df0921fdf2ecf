"""A request and its answer, between the connection and the application."""

from collections.abc import Awaitable
from typing import Any

from uvicorn.protocols.http.httptools_impl import RequestResponseCycle

from receiver.refusal import RefusedError


class Exchange(RequestResponseCycle):
    """A request and its answer.

    Attributes:
        size: how many bytes of the body have arrived.
        is_counted: they count among the unfinished bodies.
        refusal: why no more of the body is read; None while it is.
    """

    size = 0
    is_counted = False
    refusal: type[RefusedError] | None = None

    def refuse(self, refusal: type[RefusedError]) -> None:
        """Read no more of the body; the application gets `refusal` when it next asks for a part."""
        self.refusal = refusal
        self.body.clear()
        self.message_event.set()

    async def receive(self) -> Any:
        """Return the next part of the body, as ASGI has it.

        Raises:
            RefusedError: the rest of the body is not read.
        """
        if self.waiting_for_100_continue and not self.transport.is_closing():
            self.transport.write(b"HTTP/1.1 100 Continue\r\n\r\n")
            self.waiting_for_100_continue = False
        if not (self.disconnected or self.response_complete):
            # What follows a whole body is another request: it can wait.
            if self.more_body:
                self.flow.resume_reading()
            await self.message_event.wait()
            self.message_event.clear()
        if self.refusal is not None:
            raise self.refusal
        if self.disconnected or self.response_complete:
            return {"type": "http.disconnect"}
        body = bytes(self.body)
        self.body.clear()
        return {"type": "http.request", "body": body, "more_body": self.more_body}

    def send(self, message: Any) -> Awaitable[None]:  # type: ignore[override]  # a coroutine less
        """Send a part of the answer. The connection ends with one that comes before the body is whole."""
        if self.more_body and not self.response_started:
            self.keep_alive = False
        return super().send(message)
