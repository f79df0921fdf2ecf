"""The HTTP of the fake vendor: one thread a connection, which stays open."""

import json
import socket
from http.server import BaseHTTPRequestHandler
from typing import TYPE_CHECKING, cast
from urllib.parse import parse_qsl, urlsplit

if TYPE_CHECKING:
    from tests.vendor_api.fake_vendor import FakeVendor


class Handler(BaseHTTPRequestHandler):
    """Reads a call, and writes what the vendor says to it."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    # So that an answer leaves in one piece.
    wbufsize = -1

    def _answer(self) -> None:
        parts = urlsplit(self.path)
        length = int(self.headers.get("content-length") or 0)
        content = self.rfile.read(length)
        vendor = cast("FakeVendor", self.server.vendor)  # type: ignore[attr-defined]
        said = vendor.handle(
            self.command,
            parts.path,
            dict(parse_qsl(parts.query, keep_blank_values=True)),
            {name.lower(): value for name, value in self.headers.items()},
            json.loads(content) if content else None,
        )
        self.send_response(said.status)
        for name, value in said.headers.items():
            self.send_header(name, value)
        self.send_header("content-length", str(len(said.body)))
        self.end_headers()
        self.wfile.write(said.body[: len(said.body) // 2] if said.is_cut else said.body)
        self.wfile.flush()
        if said.is_cut:
            self.close_connection = True
            self.connection.shutdown(socket.SHUT_WR)

    do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = _answer  # noqa: N815 - their names there

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - its name there
        """Write nothing to stderr."""
