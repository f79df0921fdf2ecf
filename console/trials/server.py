"""An HTTP server on this machine's loopback address."""

from collections.abc import Callable, Mapping
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

HOST = "127.0.0.1"
_MOST_BYTES = 2**20
# A connection on which nothing comes for so many seconds is closed.
_IDLE_SECONDS = 60

Take = Callable[[str, Mapping[str, str], bytes], HTTPStatus]


class TrialServer(ThreadingHTTPServer):
    """Hands POSTs to a function and answers with the status that it returns."""

    # A thread per connection; none must outlive the command.
    daemon_threads = True

    def __init__(self, port: int, take: Take) -> None:
        """Listen on a port of 127.0.0.1; 0 for any free one.

        Raises:
            OSError: it is taken.
        """
        self.take = take
        super().__init__((HOST, port), _Handler)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Show nothing of a connection that broke off: who sends tells of it."""


class _Handler(BaseHTTPRequestHandler):
    server: TrialServer
    protocol_version = "HTTP/1.1"
    timeout = _IDLE_SECONDS

    def do_POST(self) -> None:
        length = self.headers.get("content-length", "")
        if not length.isascii() or not length.isdecimal():
            self._answer(HTTPStatus.LENGTH_REQUIRED)
        elif int(length) > _MOST_BYTES:
            self._answer(HTTPStatus.REQUEST_ENTITY_TOO_LARGE)
        else:
            headers = {name.lower(): value for name, value in self.headers.items()}
            url = f"http://{headers.get('host', '')}{self.path}"
            self._answer(self.server.take(url, headers, self.rfile.read(int(length))))

    def _answer(self, status: HTTPStatus) -> None:
        self.send_response(status)
        if status in {HTTPStatus.LENGTH_REQUIRED, HTTPStatus.REQUEST_ENTITY_TOO_LARGE}:
            self.send_header("connection", "close")
        if status is not HTTPStatus.NO_CONTENT:
            self.send_header("content-length", "0")
        self.end_headers()

    def log_message(self, format: str, *arguments: Any) -> None:  # noqa: A002 - the library's name
        """Print nothing: what comes is shown by the command."""
