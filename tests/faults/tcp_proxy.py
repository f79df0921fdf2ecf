"""A TCP proxy on loopback between a client and a server, for tests of what a network does to connections."""

import contextlib
import socket
import threading
import time
from types import TracebackType
from typing import Self

_CHUNK = 65536


class TcpProxy:
    """Passes bytes on until told otherwise. Listens on `port` of 127.0.0.1 from the start of the `with` block."""

    def __init__(self, target: tuple[str, int] | str) -> None:
        """`target` is host and port, or the path of a Unix socket."""
        self._target = target
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self._flowing = threading.Event()
        self._flowing.set()
        self._delay = 0.0
        self._refusing = False
        self._lock = threading.Lock()
        self._sockets: list[socket.socket] = []

    def __enter__(self) -> Self:
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._listener.close()
        self.cut()
        self.thaw()

    def freeze(self) -> None:
        """Pass nothing on, but keep every connection open; new ones are accepted and get no answer."""
        self._flowing.clear()

    def thaw(self) -> None:
        """Pass on again, including what arrived meanwhile."""
        self._flowing.set()

    def delay(self, seconds: float) -> None:
        """Delay every piece of data by this many seconds."""
        self._delay = seconds

    def cut(self) -> None:
        """Reset all open connections."""
        with self._lock:
            sockets, self._sockets = self._sockets, []
        for one in sockets:
            with contextlib.suppress(OSError):
                one.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")  # a reset, not a close
                one.shutdown(socket.SHUT_RDWR)

    def refuse(self) -> None:
        """Reset all connections, and every new one at once, until `admit`."""
        self._refusing = True
        self.cut()

    def admit(self) -> None:
        """Accept new connections again."""
        self._refusing = False

    def half_close(self) -> None:
        """Close the server's direction towards clients, while their data still goes through."""
        with self._lock:
            clients = self._sockets[::2]
        for client in clients:
            with contextlib.suppress(OSError):
                client.shutdown(socket.SHUT_WR)

    def rewritten(self, data: bytes) -> bytes:
        """Return what to pass on for a piece of data; subclasses may change it."""
        return data

    def _accept(self) -> None:
        while True:
            try:
                client, _address = self._listener.accept()
            except OSError:
                return
            if self._refusing:
                client.close()
                continue
            try:
                server = self._connect()
            except OSError:
                client.close()
                continue
            with self._lock:
                self._sockets += [client, server]
            for source, sink in ((client, server), (server, client)):
                threading.Thread(target=self._pass_on, args=(source, sink), daemon=True).start()

    def _connect(self) -> socket.socket:
        if not isinstance(self._target, str):
            return socket.create_connection(self._target)
        server = socket.socket(socket.AF_UNIX)
        try:
            server.connect(self._target)
        except OSError:
            server.close()
            raise
        return server

    def _pass_on(self, source: socket.socket, sink: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while data := source.recv(_CHUNK):
                self._flowing.wait()
                if self._delay:
                    time.sleep(self._delay)
                sink.sendall(self.rewritten(data))
        for one in (source, sink):
            with contextlib.suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)
            one.close()
