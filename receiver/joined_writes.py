"""What is written to a connection in one turn of the event loop leaves in one piece: an answer's head with its body.

uvicorn writes the two by themselves: two system calls, two packets and two awakenings of the sender for an answer of a
hundred bytes.
"""

import asyncio
from collections.abc import Callable
from typing import Any


class JoinedWrites:
    """A transport that writes when the next turn begins; all else is the transport's own."""

    def __init__(
        self,
        transport: asyncio.Transport,
        loop: asyncio.AbstractEventLoop,
        stays_open: Callable[[], bool] = lambda: False,
    ) -> None:
        """Write to `transport`; when it is to be closed, `stays_open` tells whether it has to wait for that."""
        self._transport = transport
        self._loop = loop
        self._stays_open = stays_open
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
        if not self._stays_open():
            self._transport.close()

    def flush(self) -> None:
        """Write now what was written in this turn."""
        if self._pieces and not self._transport.is_closing():
            self._transport.write(b"".join(self._pieces))
        self._pieces.clear()
