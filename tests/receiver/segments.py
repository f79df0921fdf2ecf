"""Requests that reach the receiver in segments of which each is read before the next is sent."""

import http.client
import socket
from types import TracebackType
from typing import Self

from tests.receiver.running import Answer, RunningReceiver, read_answer


class Segments:
    """Sends requests in segments.

    A second connection asks for `/healthz` in between: the receiver's event loop takes what has arrived in the order in
    which it looks at its sockets, so that with the answer the segment before has been read as well.
    """

    def __init__(self, receiver: RunningReceiver) -> None:
        self._receiver = receiver
        self._other = http.client.HTTPConnection("127.0.0.1", receiver.port, timeout=20)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._other.close()

    def exchange(self, *parts: bytes) -> Answer:
        """Send the parts of one request on a connection, and return the answer."""
        with self._receiver.connect() as connection:
            self.send(connection, *parts)
            return read_answer(connection)

    def send(self, connection: socket.socket, *parts: bytes) -> None:
        """Send the parts, each after the one before has been read."""
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for place, part in enumerate(parts):
            if place:
                self._other.request("GET", "/healthz")
                self._other.getresponse().read()
            connection.sendall(part)


def statuses_on(connection: socket.socket, most: int) -> list[int]:
    """Return the statuses of the answers on a connection, `most` of them, or those until the receiver closes it."""
    statuses: list[int] = []
    with connection.makefile("rb") as file:
        while len(statuses) < most and (line := file.readline()):
            length = int(http.client.parse_headers(file)["content-length"] or 0)
            file.read(length)
            status = int(line.split()[1])
            if status != http.client.CONTINUE:
                statuses.append(status)
    return statuses
