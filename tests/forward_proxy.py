"""A forward proxy on loopback that speaks HTTP CONNECT and SOCKS5, and sends whatever it is asked for to one server."""

import base64
import socket
import threading
from contextlib import suppress
from types import TracebackType
from typing import Self

_CHUNK = 65536
_SOCKS = b"\x05"
_BY_NAME = 3
_ADDRESS_BYTES = {1: 4, 4: 16}


class ForwardProxy:
    """Listens on `port` of 127.0.0.1 from the start of the `with` block.

    Attributes:
        port: where it listens.
        asked: the hosts and ports that clients asked for, as text, in order.
    """

    def __init__(self, server_port: int, user: str | None = None, password: str = "") -> None:
        """Lead to a server on 127.0.0.1; with `user`, let in only who gives it and the password."""
        self._server_port = server_port
        self._user = user
        self._password = password
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self.asked: list[str] = []

    def __enter__(self) -> Self:
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._listener.close()

    def _accept(self) -> None:
        while True:
            try:
                client, _address = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, client: socket.socket) -> None:
        with suppress(OSError, IndexError), client:  # or it hung up
            first = client.recv(1)
            is_let_in = self._socks(client) if first == _SOCKS else self._connect(client, first)
            if is_let_in:
                with socket.create_connection(("127.0.0.1", self._server_port)) as server:
                    back = threading.Thread(target=_pass_on, args=(server, client), daemon=True)
                    back.start()
                    _pass_on(client, server)
                    back.join()

    def _connect(self, client: socket.socket, head: bytes) -> bool:
        while not head.endswith(b"\r\n\r\n"):
            head += client.recv(_CHUNK)
        self.asked.append(head.split()[1].decode())
        expected = base64.b64encode(f"{self._user}:{self._password}".encode())
        if self._user is not None and b"Basic " + expected not in head:
            client.sendall(b"HTTP/1.1 407 Proxy Authentication Required\r\ncontent-length: 0\r\n\r\n")
            return False
        client.sendall(b"HTTP/1.1 200 Connection established\r\n\r\n")
        return True

    def _socks(self, client: socket.socket) -> bool:
        client.recv(client.recv(1)[0])  # the ways to log in that it offers
        client.sendall(b"\x05\x00" if self._user is None else b"\x05\x02")
        if self._user is not None:
            client.recv(1)
            user, password = (client.recv(client.recv(1)[0]).decode() for _ in range(2))
            is_let_in = (user, password) == (self._user, self._password)
            client.sendall(b"\x01\x00" if is_let_in else b"\x01\x01")
            if not is_let_in:
                return False
        kind = client.recv(4)[3]
        host = client.recv(client.recv(1)[0] if kind == _BY_NAME else _ADDRESS_BYTES[kind])
        port = int.from_bytes(client.recv(2))
        self.asked.append(f"{host.decode() if kind == _BY_NAME else host.hex()}:{port}")
        client.sendall(b"\x05\x00\x00\x01" + bytes(6))
        return True


def _pass_on(source: socket.socket, sink: socket.socket) -> None:
    with suppress(OSError):
        while data := source.recv(_CHUNK):
            sink.sendall(data)
        sink.shutdown(socket.SHUT_WR)
