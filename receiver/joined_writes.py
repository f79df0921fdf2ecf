"""Joins the writes of one event loop iteration, so that an answer's head and body are sent together.

uvicorn writes the two separately: two system calls, two packets and two wake-ups of the sender for an answer of a
hundred bytes.
"""

import asyncio
from collections.abc import Callable
from typing import Any


class JoinedWrites:
    """A transport that writes at the next loop iteration; everything else is delegated."""

    def __init__(
        self,
        transport: asyncio.Transport,
        loop: asyncio.AbstractEventLoop,
        stays_open: Callable[[], bool] | None = None,
    ) -> None:
        """Wrap `transport`; on close, `stays_open` returns whether closing has to wait."""
        self._transport = transport
        self._loop = loop
        self._stays_open = stays_open or _closes
        self._pieces: list[bytes] = []

    def __getattr__(self, name: str) -> Any:
        """Delegate to the transport."""
        return getattr(self._transport, name)

    def write(self, data: bytes) -> None:
        """Write `data`, joined with other writes of this iteration."""
        if not self._pieces:
            self._loop.call_soon(self.flush)
        self._pieces.append(data)

    def close(self) -> None:
        """Close once everything is written."""
        self.flush()
        if not self._stays_open():
            self._transport.close()

    def release(self) -> None:
        """Drop the callback that decides when to close: the connection has ended."""
        self._stays_open = _closes

    def flush(self) -> None:
        """Send the collected writes now."""
        if self._pieces and not self._transport.is_closing():
            self._transport.write(b"".join(self._pieces))
        self._pieces.clear()


def _closes() -> bool:
    return False
