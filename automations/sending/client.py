"""Posts to one endpoint and returns the answer. Whatever goes wrong on the way is an answer too."""

import asyncio
import ssl
from collections.abc import Mapping

import httpcore2
import httpx2

from automations.sending.connections import Connections
from automations.sending.guard import RefusedError
from automations.sending.judgement import Answer
from automations.sending.way import Way
from runtime.outgoing.unusable import UnusableVariableError

# Seconds for the whole attempt, from the look-up of the name to the last byte of the answer.
ATTEMPT_SECONDS = 15.0
# Bytes of an answer that are kept.
MOST_ANSWER_BYTES = 2048
# Seconds that an idle connection is kept: less than the 5 after which common servers close theirs, since a request that
# meets the close is lost.
_KEEP_SECONDS = 4.0


class EndpointClient:
    """The connections to one endpoint, apart from those to others: none waits for another's.

    Attributes:
        seconds: the most that an attempt takes.
    """

    def __init__(self, way: Way, url: str, connections: int, attempt_seconds: float = ATTEMPT_SECONDS) -> None:
        self._way = way
        self._most = connections
        self.seconds = attempt_seconds
        self._open: Connections | None = None
        self._text = url
        self._url: httpcore2.URL | None = None
        self._host = b""

    async def post(self, headers: Mapping[str, str], body: bytes) -> Answer:
        """Post a body and return what came back. Raises nothing but a cancellation."""
        try:
            async with asyncio.timeout(self.seconds):
                return await self._post(headers, body)
        except (TimeoutError, httpcore2.TimeoutException):
            return Answer(error=f"There was no whole answer within {self.seconds:g} s.")
        except Exception as error:  # noqa: BLE001 - whatever a server provokes, the attempt has failed
            return Answer(error=_why(error))

    async def close(self) -> None:
        """Close all connections."""
        if self._open is not None:
            await self._open.close()

    async def _post(self, headers: Mapping[str, str], body: bytes) -> Answer:
        connections, url = self._opened()
        sent = [
            (b"host", self._host),
            (b"content-length", b"%d" % len(body)),
            *((name.encode(), value.encode()) for name, value in headers.items()),
        ]
        connection = await connections.take()
        try:
            response = await connection.handle_async_request(httpcore2.Request("POST", url, headers=sent, content=body))
            try:
                return await _answer(response)
            finally:
                await response.aclose()
        finally:
            await connections.give_back(connection)

    def _opened(self) -> tuple[Connections, httpcore2.URL]:
        if self._open is None or self._url is None:
            url = httpx2.URL(self._text)
            pool = self._way.pool(url, self._most, _KEEP_SECONDS)
            self._host = url.netloc
            self._url = httpcore2.URL(
                scheme=url.raw_scheme, host=url.raw_host, port=url.port, target=url.raw_path
            )  # fmt: skip
            self._open = Connections(pool, self._url.origin, _KEEP_SECONDS)
        return self._open, self._url


async def _answer(response: httpcore2.Response) -> Answer:
    found = {name.lower(): value.decode("latin-1") for name, value in response.headers}
    text, error = b"", None
    try:
        async for chunk in response.aiter_stream():
            text += chunk[: MOST_ANSWER_BYTES - len(text)]
    except (httpcore2.NetworkError, httpcore2.ProtocolError):
        error = "The connection was cut off in the middle of the answer."
    return Answer(
        status=response.status,
        error=error,
        retry_after=found.get(b"retry-after"),
        delivery=found.get(b"webhook-delivery"),
        text=text,
    )


def _why(error: Exception) -> str:
    match error:
        case RefusedError() | UnusableVariableError():
            return str(error)
        case httpx2.InvalidURL():
            return "The URL can't be read."
        case httpcore2.ConnectError() | httpcore2.ProxyError():
            return _why_not_connected(error)
        case httpcore2.NetworkError() | httpcore2.ProtocolError() | ConnectionError():
            return f"The connection was cut off before an answer was whole ({type(error).__name__})."
        case _:
            return f"The attempt failed ({type(error).__name__})."


def _why_not_connected(error: BaseException) -> str:
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, ssl.SSLCertVerificationError):
            return f"TLS: the certificate can't be verified ({cause.verify_message})."
        if isinstance(cause, ssl.SSLError):
            return f"TLS: the handshake failed ({cause.reason or 'no TLS there'})."
        if isinstance(cause, ConnectionRefusedError):
            return "The connection was refused."
        cause = cause.__cause__ or cause.__context__
    text = str(error)
    return text if text.startswith("The name ") else f"No connection could be opened ({text or type(error).__name__})."
