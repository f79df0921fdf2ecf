"""Reads requests completely, even with upgrade offers or trailers.

llhttp, uvicorn's parser, ends a request after its head if that offers another protocol (`upgrade: h2c`, as Java's HTTP
client does), and would treat the body as that protocol's bytes. uvicorn adds trailers to the headers, and answers a
request it can't parse at once, even if an earlier request is still waiting for its answer.
"""

import urllib.parse
from collections.abc import Iterable
from typing import Any

import httptools
from starlette.types import Receive, Scope, Send
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from receiver.answer import refuse
from receiver.body import UnreadableBodyError
from receiver.exchange import Exchange
from receiver.refusal import RefusedError

# Nearly all requests use it: skips parsing the URL.
_USUAL_PATH = "/webhook"
_USUAL_URL = _USUAL_PATH.encode()

# A body of a byte a chunk costs a hundred times the work of another.
_MOST_CHUNKS = 10_000

_ASGI: Any = {"version": "3.0", "spec_version": "2.3"}

_HIGH_WATER_BYTES = 65_536

# With both a length and chunks, the chunks count (RFC 9112, 6.3); some gateways send both, and pad the sizes.
_LENIENCIES = {
    "lenient_data_after_close": True,
    "lenient_chunked_length": True,
    "lenient_spaces_after_chunk_size": True,
}


class NotHttpError(RefusedError):
    """The request can't be parsed."""

    status = 400
    reason = "not_http"
    sentence = "This is not a valid HTTP request."


class WholeRequests(HttpToolsProtocol):
    """uvicorn's HTTP protocol, with complete bodies and ignored trailers."""

    cycle: Exchange
    _chunks = 0
    _may_be_in_trailers = False

    def __init__(self, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        self.parser.set_dangerous_leniencies(**_LENIENCIES)

    def _new_parser(self) -> httptools.HttpRequestParser:
        parser = httptools.HttpRequestParser(self)
        parser.set_dangerous_leniencies(**_LENIENCIES)
        return parser

    def on_message_begin(self) -> None:
        """Start a request."""
        self.url = b""
        self.expect_100_continue = False
        self.headers = []
        # Addresses would be two system calls for each connection, and nothing here looks at them.
        self.scope = {  # type: ignore[typeddict-item]  # the rest comes with the head
            "type": "http",
            "asgi": _ASGI,
            "server": None,
            "client": None,
            "scheme": "http",
            "root_path": "",
            "headers": self.headers,
        }

    def read(self, data: bytes | memoryview) -> None:
        """Parse received data."""
        try:
            self.parser.feed_data(data)
        except httptools.HttpParserUpgrade as offer:
            self._read_on(data, offer)
        except httptools.HttpParserError:
            self.give_up()

    def _read_on(self, data: bytes | memoryview, offer: httptools.HttpParserUpgrade) -> None:
        """Read a request that offers another protocol as plain HTTP: a server may ignore the offer."""
        rest = memoryview(data)
        try:
            while True:
                rest = rest[offer.args[0] :]
                head = self._head_without_offer()
                self.parser = self._new_parser()
                self.parser.feed_data(head)
                try:
                    self.parser.feed_data(rest)
                except httptools.HttpParserUpgrade as next_offer:
                    offer = next_offer
                else:
                    return
        except (httptools.HttpParserError, httptools.HttpParserUpgrade):  # CONNECT offers nothing else
            self.give_up()

    def _head_without_offer(self) -> bytes:
        version = self.parser.get_http_version().encode()
        lines = [b"%s %s HTTP/%s" % (self.parser.get_method(), self.url, version)]
        lines += [b"%s: %s" % header for header in self.headers if header[0] != b"upgrade"]
        return b"\r\n".join([*lines, b"", b""])

    def on_headers_complete(self) -> None:
        """Hand the request to the application, or queue it behind the one before."""
        parser = self.parser
        if parser.should_upgrade():
            return
        version = parser.get_http_version()
        scope = self.scope
        scope["method"] = parser.get_method().decode("ascii")
        scope["http_version"] = version
        if self.url == _USUAL_URL:
            scope["path"], scope["raw_path"], scope["query_string"] = _USUAL_PATH, _USUAL_URL, b""
        else:
            url = httptools.parse_url(self.url)
            raw_path: bytes = url.path
            path = raw_path.decode("ascii")
            scope["path"] = urllib.parse.unquote(path) if "%" in path else path
            scope["raw_path"] = raw_path
            scope["query_string"] = url.query or b""
        # Later headers are trailers.
        self.headers = []
        self._chunks = 0
        self._may_be_in_trailers = False
        self._begin(self.app, keep_alive=version != "1.0" and parser.should_keep_alive())

    def _begin(self, app: Any, *, keep_alive: bool) -> None:
        last = self.cycle
        self.cycle = Exchange(
            self.scope,
            self.transport,
            self.flow,
            self.logger,
            self.server_state.default_headers,
            self.on_response_complete,
            expects_100_continue=self.expect_100_continue,
            keep_alive=keep_alive,
        )
        if last is None or last.response_complete:
            self._start_asgi_task(self.cycle, app)
        else:
            self.flow.pause_reading()
            self.pipeline.appendleft((self.cycle, app))

    def on_chunk_header(self) -> None:
        """Handle a chunk's size; the last one's is 0, and trailers follow it."""
        self._chunks += 1
        if self._chunks > _MOST_CHUNKS:
            self._may_be_in_trailers = False
            raise UnreadableBodyError
        self._may_be_in_trailers = True
        if self._chunks == 1 and _has_length(self.cycle.scope["headers"]):
            # A proxy in between may see a different end of this request.
            self._let_go_after_answer()

    def on_body(self, body: bytes) -> None:
        """Take a part of the body."""
        self._may_be_in_trailers = False
        cycle = self.cycle
        if cycle.response_complete or cycle.refusal is not None:
            return
        cycle.size += len(body)
        cycle.body += body
        if len(cycle.body) > _HIGH_WATER_BYTES:
            self.flow.pause_reading()
        cycle.message_event.set()

    def on_message_complete(self) -> None:
        """Finish the body."""
        if self.parser.should_upgrade():
            return
        cycle = self.cycle
        cycle.more_body = False
        cycle.message_event.set()
        if self.headers:
            # The parser honours a `connection: close` in the trailers like one in the head.
            self._let_go_after_answer()

    def give_up(self, refusal: type[RefusedError] = NotHttpError) -> None:
        """Stop reading. Earlier requests still get their answers; one with an incomplete head gets `refusal`."""
        self.parser = DEAF
        cycle = self.cycle
        if cycle is None or not cycle.more_body:
            self.refuse_head(refusal)
            return
        if self._may_be_in_trailers:  # bad trailers don't affect the body
            self.on_message_complete()
        else:
            cycle.refuse(UnreadableBodyError)
        self._let_go_after_answer()

    def refuse_head(self, refusal: type[RefusedError]) -> None:
        """Answer a request with an incomplete head, after those before it."""

        async def answer(_scope: Scope, _receive: Receive, send: Send) -> None:
            await refuse(refusal, send)

        self.on_message_begin()
        self.scope |= {"method": "", "path": "", "raw_path": b"", "query_string": b""}
        self._begin(answer, keep_alive=False)

    def _let_go_after_answer(self) -> None:
        self.cycle.keep_alive = False
        if self.cycle.response_complete:
            self.transport.close()


class _Deaf:
    """Replaces the parser and ignores all data."""

    def feed_data(self, _data: object) -> None:
        """Ignore the data."""

    def should_upgrade(self) -> bool:
        """Return False: no other protocol is offered."""
        return False


DEAF: Any = _Deaf()


def _has_length(headers: Iterable[tuple[bytes, bytes]]) -> bool:
    return any(name == b"content-length" for name, _ in headers)
