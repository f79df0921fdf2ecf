"""Connections that do what no honest client does."""

import selectors
import socket
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager

from tests.receiver.running import RunningReceiver


@contextmanager
def connections(receiver: RunningReceiver, count: int) -> Iterator[list[socket.socket]]:
    """Open connections; they are closed with the context."""
    with ExitStack() as stack:
        yield [stack.enter_context(receiver.connect()) for _ in range(count)]


def push(connection: socket.socket, parts: Iterable[bytes]) -> None:
    """Send the parts until all are sent or the receiver wants no more; read nothing."""
    try:
        for part in parts:
            connection.sendall(part)
    except OSError:
        return


def push_on_all(senders: list[socket.socket], part: bytes, most: int) -> None:
    """Send `part` again and again on all connections at once, up to `most` bytes on each; read nothing.

    It ends when nothing more can be sent: each has sent all, was closed, or finds that nobody reads.
    """
    left = dict.fromkeys(senders, most)
    with selectors.DefaultSelector() as selector:
        for one in senders:
            one.setblocking(False)  # noqa: FBT003 - its only way
            selector.register(one, selectors.EVENT_WRITE, one)
        while left and (writable := selector.select(timeout=0.5)):
            for event, _ in writable:
                sender: socket.socket = event.data
                try:
                    left[sender] -= sender.send(part[: left[sender]])
                except BlockingIOError:
                    continue
                except OSError:
                    left[sender] = 0
                if not left[sender]:
                    selector.unregister(sender)
                    del left[sender]


def is_closed(connection: socket.socket) -> bool:
    """Read to the end of a connection, and tell that it came."""
    connection.settimeout(30)
    try:
        while connection.recv(65_536):
            pass
    except ConnectionError:
        pass
    return True


def repeated(begin: bytes, part: bytes, count: int) -> Callable[[], Iterator[bytes]]:
    """Return what gives `begin`, and then `part` `count` times."""

    def parts() -> Iterator[bytes]:
        yield begin
        for _ in range(count):
            yield part

    return parts
