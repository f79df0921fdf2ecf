"""Opens connections to the very addresses that were judged, so a name that changes in between gains nothing."""

import asyncio
import socket
import threading
from collections.abc import Awaitable, Callable, Iterable, Sequence
from contextlib import suppress
from typing import Any

import httpcore2
from httpcore2 import AsyncNetworkBackend, AsyncNetworkStream

from automations.sending.guard import Guard, RefusedError, read_address

Resolve = Callable[[str], Awaitable[Sequence[str]]]
"""Returns a name's addresses, as text; raises an OSError if there are none."""

# Addresses of one name that are tried, and the seconds for each but the last: some hosts publish an IPv6 address that
# not every network reaches.
_MOST_ADDRESSES = 4
_NEXT_AFTER = 3.0


class Names:
    """Looks up names, each in a thread of its own: a name server that hangs must not take a thread from other names.

    Requests that need the same name at the same time share a look-up.
    """

    def __init__(self) -> None:
        self._pending: dict[str, asyncio.Future[Sequence[str]]] = {}

    async def resolve(self, name: str) -> Sequence[str]:
        """Return a name's addresses.

        Raises:
            OSError: it has none, or no name server answers.
        """
        pending = self._pending.get(name)
        if pending is None:
            loop = asyncio.get_running_loop()
            pending = self._pending[name] = loop.create_future()
            pending.add_done_callback(lambda done: (self._pending.pop(name, None), done.exception()))
            # A daemon: a look-up can take a minute, and the process must not wait for it to end.
            threading.Thread(target=_look_up, args=(name, loop, pending), name="look-up", daemon=True).start()
        return await asyncio.shield(pending)


class GuardedBackend(AsyncNetworkBackend):
    """Resolves a host, judges all its addresses, and connects to one of them by its number."""

    def __init__(self, guard: Guard, scheme: str, resolve: Resolve) -> None:
        self._guard = guard
        self._scheme = scheme
        self._resolve = resolve
        self._inner = httpcore2.AnyIOBackend()

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ASYNC109 - the library's signature
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> AsyncNetworkStream:
        """Open a connection.

        Raises:
            RefusedError: one of the host's addresses may not be sent to.
            httpcore2.ConnectError: none of them accepts a connection.
        """
        addresses = [host] if read_address(host) else await self._addresses(host)
        # Also if others of them are public: a name that leads inside and outside is not a mistake to build on.
        for text in addresses:
            address = read_address(text)
            if address is None:
                raise RefusedError(f"{host} resolves to something that is not an address.")
            self._guard.check(address, self._scheme)
        *others, last = addresses[:_MOST_ADDRESSES]
        for text in others:
            with suppress(httpcore2.ConnectError, httpcore2.ConnectTimeout):
                return await self._inner.connect_tcp(text, port, _NEXT_AFTER, local_address, socket_options)
        return await self._inner.connect_tcp(last, port, timeout, local_address, socket_options)

    async def _addresses(self, host: str) -> Sequence[str]:
        try:
            found = await self._resolve(host)
        except OSError as error:
            raise httpcore2.ConnectError(f"The name {host} can't be resolved ({error.strerror or error}).") from error
        if not found:
            raise httpcore2.ConnectError(f"The name {host} has no address.")
        return found

    async def sleep(self, seconds: float) -> None:
        """Wait."""
        await asyncio.sleep(seconds)


def _look_up(name: str, loop: asyncio.AbstractEventLoop, pending: "asyncio.Future[Sequence[str]]") -> None:
    outcome: Sequence[str] | OSError
    try:
        found = socket.getaddrinfo(name, None, type=socket.SOCK_STREAM)
        outcome = list(dict.fromkeys(str(address[0]) for *_, address in found))
    except OSError as error:
        outcome = error
    except UnicodeError as error:  # a label that is too long, or empty
        outcome = OSError(str(error))

    def hand_over() -> None:
        if pending.done():
            return
        if isinstance(outcome, OSError):
            pending.set_exception(outcome)
        else:
            pending.set_result(outcome)

    with suppress(RuntimeError):  # the loop is closed: nobody waits
        loop.call_soon_threadsafe(hand_over)
