"""A request is read as it was sent, whatever its sender offers or appends.

llhttp, the parser under uvicorn, ends a request at its head when that offers another protocol (`upgrade: h2c`, as
Java's HTTP client does): its body would be taken for the other protocol's bytes. uvicorn adds trailers to the headers,
and answers what it can't parse at once, even if the request before that still waits for its own answer.
"""

import asyncio
import urllib.parse
from collections.abc import Iterable
from http import HTTPStatus
from typing import Any

import httptools
import msgspec
from starlette.types import Receive, Scope, Send
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle

from receiver.body import UnreadableBodyError

_HIGH_WATER_BYTES = 65_536


class Exchange(RequestResponseCycle):
    """A request and its answer."""

    is_unreadable = False

    async def receive(self) -> Any:
        """Return the next part of the body, as ASGI has it.

        Raises:
            UnreadableBodyError: there is no more that could be read.
        """
        message = await super().receive()
        if self.is_unreadable:
            raise UnreadableBodyError
        return message


class WholeRequests(HttpToolsProtocol):
    """uvicorn's HTTP, with bodies that are whole and trailers that count for nothing."""

    cycle: Exchange
    _is_chunked = False
    _may_be_in_trailers = False

    def __init__(self, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        self.parser = self._new_parser()

    def _new_parser(self) -> httptools.HttpRequestParser:
        parser = httptools.HttpRequestParser(self)
        # Of a length and chunks the chunks count (RFC 9112, 6.3); some gateways send both, and pad the sizes.
        parser.set_dangerous_leniencies(
            lenient_data_after_close=True, lenient_chunked_length=True, lenient_spaces_after_chunk_size=True
        )
        return parser

    def data_received(self, data: bytes) -> None:
        """Parse what has arrived."""
        self._unset_keepalive_if_required()
        try:
            self.parser.feed_data(data)
        except httptools.HttpParserUpgrade as offer:
            self._read_on(data, offer)
        except httptools.HttpParserError:
            self._give_up()

    def _read_on(self, data: bytes, offer: httptools.HttpParserUpgrade) -> None:
        """Read a request whose head offers another protocol as if it did not: nobody has to take such an offer."""
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
        except (httptools.HttpParserError, httptools.HttpParserUpgrade):  # CONNECT is nothing but such an offer
            self._give_up()

    def _head_without_offer(self) -> bytes:
        version = self.parser.get_http_version().encode()
        lines = [b"%s %s HTTP/%s" % (self.parser.get_method(), self.url, version)]
        lines += [b"%s: %s" % header for header in self.headers if header[0] != b"upgrade"]
        return b"\r\n".join([*lines, b"", b""])

    def on_headers_complete(self) -> None:
        """Hand the request to the application, or let it wait for the answer to the one before."""
        parser = self.parser
        if parser.should_upgrade():
            return
        version = parser.get_http_version()
        scope = self.scope
        scope["method"] = parser.get_method().decode("ascii")
        scope["http_version"] = version
        url = httptools.parse_url(self.url)
        raw_path: bytes = url.path
        path = raw_path.decode("ascii")
        scope["path"] = urllib.parse.unquote(path) if "%" in path else path
        scope["raw_path"] = raw_path
        scope["query_string"] = url.query or b""
        # Headers that come after this are trailers.
        self.headers = []
        self._is_chunked = False
        self._may_be_in_trailers = False
        self._begin(self.app, keep_alive=version != "1.0" and parser.should_keep_alive())

    def _begin(self, app: Any, *, keep_alive: bool) -> None:
        last = self.cycle
        self.cycle = Exchange(
            scope=self.scope,
            transport=self.transport,
            flow=self.flow,
            logger=self.logger,
            access_logger=self.access_logger,
            access_log=self.access_log,
            default_headers=self.server_state.default_headers,
            message_event=asyncio.Event(),
            expect_100_continue=self.expect_100_continue,
            keep_alive=keep_alive,
            on_response=self.on_response_complete,
        )
        if last is None or last.response_complete:
            self._start_asgi_task(self.cycle, app)
        else:
            self.flow.pause_reading()
            self.pipeline.appendleft((self.cycle, app))

    def on_chunk_header(self) -> None:
        """Note the size of a chunk; that of the last is 0, and what follows it are trailers."""
        self._may_be_in_trailers = True
        if not self._is_chunked:
            self._is_chunked = True
            if _has_length(self.cycle.scope["headers"]):
                # A proxy in between may see another end of this request than we do.
                self._let_go_after_answer()

    def on_body(self, body: bytes) -> None:
        """Take a part of the body."""
        self._may_be_in_trailers = False
        cycle = self.cycle
        if cycle.response_complete:
            return
        cycle.body += body
        if len(cycle.body) > _HIGH_WATER_BYTES:
            self.flow.pause_reading()
        cycle.message_event.set()

    def on_message_complete(self) -> None:
        """Note that the body is whole."""
        if self.parser.should_upgrade():
            return
        cycle = self.cycle
        cycle.more_body = False
        cycle.message_event.set()
        if self.headers:
            # To the parser a `connection: close` among the trailers is as good as one in the head.
            self._let_go_after_answer()

    def _give_up(self) -> None:
        """Read no more: what has arrived is no HTTP. Requests before it keep their answers."""
        self.parser = _Deaf()  # type: ignore[assignment]  # it has all of a parser that is still used
        cycle = self.cycle
        if cycle is None or not cycle.more_body:
            self.on_message_begin()
            self.scope |= {"method": "", "path": "", "raw_path": b"", "query_string": b""}
            self._begin(answer_no_http, keep_alive=False)
            self.cycle.more_body = False
            return
        # What is wrong with a trailer takes nothing from the body before it.
        cycle.is_unreadable = not self._may_be_in_trailers
        cycle.more_body = False
        cycle.message_event.set()
        self._let_go_after_answer()

    def _let_go_after_answer(self) -> None:
        self.cycle.keep_alive = False
        if self.cycle.response_complete:
            self.transport.close()


class _Deaf:
    """In a parser's place: hears nothing."""

    def feed_data(self, _data: object) -> None:
        """Let the data go."""


def _has_length(headers: Iterable[tuple[bytes, bytes]]) -> bool:
    return any(name == b"content-length" for name, _ in headers)


async def answer_no_http(_scope: Scope, _receive: Receive, send: Send) -> None:
    """Answer what is no HTTP, as an ASGI application."""
    body = msgspec.json.encode({"error": "This is no HTTP request."})
    headers = [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(body))]
    await send({"type": "http.response.start", "status": HTTPStatus.BAD_REQUEST, "headers": headers})
    await send({"type": "http.response.body", "body": body})
