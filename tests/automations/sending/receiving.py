"""Endpoints of the tests' own: an HTTP server on loopback whose answers each test chooses."""

import socket
import ssl
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from tests.receiver.running import wait_until


@dataclass(frozen=True)
class Request:
    path: str
    headers: Mapping[str, str]
    body: bytes

    @property
    def id(self) -> str:
        return self.headers["webhook-id"]


@dataclass(frozen=True)
class Reply:
    """An answer; `act` does something else with the socket in place of one."""

    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b"ok"
    act: Callable[[socket.socket], None] | None = None


Answering = Callable[[Request], Reply]


def _thanks(_: Request) -> Reply:
    return Reply()


@dataclass
class Receiving:
    """What came, by path; and what is answered."""

    url: str
    port: int
    answering: dict[str, Answering] = field(default_factory=dict)
    requests: list[Request] = field(default_factory=list)
    # Unblocks whatever hangs, at the end.
    over: threading.Event = field(default_factory=threading.Event)

    def answer(self, path: str, *replies: Reply) -> None:
        """Answer requests for `path` with the replies in turn, and with the last from then on."""
        left = list(replies)
        lock = threading.Lock()

        def next_one(_: Request) -> Reply:
            with lock:
                return left.pop(0) if len(left) > 1 else left[0]

        self.answering[path] = next_one

    def of(self, path: str) -> list[Request]:
        return [one for one in list(self.requests) if one.path == path]

    def wait_for(self, path: str, count: int) -> list[Request]:
        wait_until(lambda: len(self.of(path)) >= count, f"{path} gets {count} requests")
        return self.of(path)

    def hang(self, _: socket.socket) -> None:
        self.over.wait(60)


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128

    def handle_error(self, request: object, client_address: object) -> None:
        """Say nothing: clients that go away are part of the tests."""


@contextmanager
def receiving(context: ssl.SSLContext | None = None, host: str = "127.0.0.1") -> Iterator[Receiving]:
    """Serve until the block ends."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        # The head and the body of an answer leave in one piece, so neither waits for the other's acknowledgement.
        wbufsize = -1
        disable_nagle_algorithm = True

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            request = Request(self.path, {name.lower(): value for name, value in self.headers.items()}, body)
            there.requests.append(request)
            answering: Answering = there.answering.get(self.path, _thanks)
            reply = answering(request)
            if reply.act is not None:
                reply.act(self.connection)
                self.close_connection = True
                return
            self.send_response(reply.status)
            for name, value in reply.headers.items():
                self.send_header(name, value)
            self.send_header("content-length", str(len(reply.body)))
            self.end_headers()
            self.wfile.write(reply.body)
            self.wfile.flush()

        do_GET = do_POST  # noqa: N815 - the library's name

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    server = _Server((host, 0), Handler)
    if context is not None:
        server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
    port = server.server_address[1]
    there = Receiving(f"{'https' if context else 'http'}://{host}:{port}", port)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield there
    finally:
        there.over.set()
        server.shutdown()
        server.server_close()
        thread.join(5)


def cut_off(connection: socket.socket) -> None:
    """Promise more than is sent, and hang up."""
    with suppress(OSError):
        connection.sendall(b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nhalf")
        connection.shutdown(socket.SHUT_RDWR)


def hang_up(connection: socket.socket) -> None:
    """Hang up without an answer."""
    with suppress(OSError):
        connection.shutdown(socket.SHUT_RDWR)
