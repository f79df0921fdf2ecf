"""What is written to a connection in one turn of the event loop leaves in one piece: an answer's head with its body.

uvicorn writes the two by themselves: two system calls, two packets and two awakenings of the sender for an answer of a
hundred bytes.
"""

import asyncio
from typing import Any

from receiver.whole_requests import WholeRequests


class JoiningProtocol(WholeRequests):
    """HTTP on connections that write so."""

    transport: "JoinedWrites"  # type: ignore[assignment]  # it has all of a transport that is used

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn has it
        """Begin with a connection."""
        super().connection_made(JoinedWrites(transport, self.loop))  # type: ignore[arg-type]  # see above

    def eof_received(self) -> None:
        """Let an answer out before the connection goes: the sender sends no more, but may still read."""
        self.transport.flush()


class JoinedWrites:
    """A transport that writes when the next turn begins; all else is the transport's own."""

    def __init__(self, transport: asyncio.Transport, loop: asyncio.AbstractEventLoop) -> None:
        self._transport = transport
        self._loop = loop
        self._pieces: list[bytes] = []

    def __getattr__(self, name: str) -> Any:
        """Return what the transport has under this name."""
        return getattr(self._transport, name)

    def write(self, data: bytes) -> None:
        """Write `data`, with what else is written in this turn."""
        if not self._pieces:
            self._loop.call_soon(self.flush)
        self._pieces.append(data)

    def close(self) -> None:
        """Close once all is written."""
        self.flush()
        self._transport.close()

    def flush(self) -> None:
        """Write now what was written in this turn."""
        if self._pieces and not self._transport.is_closing():
            self._transport.write(b"".join(self._pieces))
        self._pieces.clear()
