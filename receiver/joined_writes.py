"""What is written to a connection in one turn of the event loop leaves in one piece: an answer's head with its body.

uvicorn writes the two by themselves: two system calls, two packets and two awakenings of the sender for an answer of a
hundred bytes.
"""

import asyncio
from typing import Any

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol


class JoiningProtocol(HttpToolsProtocol):
    """uvicorn's HTTP, on connections that write so."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn has it
        """Begin with a connection."""
        super().connection_made(JoinedWrites(transport, self.loop))  # type: ignore[arg-type]  # it is all that is used


class JoinedWrites:
    """A transport that writes at the end of a turn; all else is the transport's own."""

    def __init__(self, transport: asyncio.Transport, loop: asyncio.AbstractEventLoop) -> None:
        self._transport = transport
        self._loop = loop
        self._pieces: list[bytes] = []

    def __getattr__(self, name: str) -> Any:
        """Return what the transport has under this name."""
        return getattr(self._transport, name)

    def write(self, data: bytes) -> None:
        """Write `data` behind what is written before it, once this turn ends."""
        if not self._pieces:
            self._loop.call_soon(self._write_pieces)
        self._pieces.append(data)

    def close(self) -> None:
        """Close once all is written."""
        self._write_pieces()
        self._transport.close()

    def _write_pieces(self) -> None:
        if self._pieces and not self._transport.is_closing():
            self._transport.write(b"".join(self._pieces))
        self._pieces.clear()
