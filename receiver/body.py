"""Reads a request's whole body, within limits of size and time."""

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass
from typing import cast

from starlette.types import Receive

from receiver.refusal import ReceiverError, RefusedError


class BodyTooLargeError(RefusedError):
    """More bytes than `MAX_BODY_BYTES` arrived or were announced."""

    status = 413
    reason = "too_large"
    sentence = "The body is larger than this receiver takes."


class BodyTooSlowError(RefusedError):
    """The body was incomplete at its deadline."""

    status = 408
    reason = "too_slow"
    sentence = "The body did not arrive in time."


class UnreadableBodyError(RefusedError):
    """The body's HTTP framing is invalid; a retry may succeed."""

    status = 503
    reason = "unreadable_body"
    sentence = "The body could not be read; send it again."


class TransferCodingError(RefusedError):
    """The body is compressed in transit: its bytes are not the ones the vendor signed."""

    status = 501
    reason = "transfer_coding"
    sentence = "The body's transfer coding is not supported; send it plain or chunked."


class ClientGoneError(ReceiverError):
    """The client disconnected before its body was complete: there is no one to answer."""


@dataclass(frozen=True, slots=True)
class BodyLimits:
    """How large a body may be and how long it may take.

    Attributes:
        most_bytes: the largest body to accept.
        seconds: for the whole body to arrive, from the end of the headers.
    """

    most_bytes: int
    seconds: float


async def read_body(headers: Iterable[tuple[bytes, bytes]], receive: Receive, limits: BodyLimits) -> bytes:
    """Return the whole body, never buffering more than one network read above the limit.

    Args:
        headers: the request's headers; a `content-length` over the limit is refused at once, unless chunked.
        receive: the ASGI callable.
        limits: the limits of size and time.

    Raises:
        BodyTooLargeError: it exceeds the limit.
        BodyTooSlowError: it was incomplete at the deadline.
        TransferCodingError: it uses a transfer coding other than chunked.
        UnreadableBodyError: its HTTP framing is invalid.
        ClientGoneError: the client disconnected.
    """
    is_chunked = False
    length = 0
    for name, value in headers:
        if name == b"content-length":
            length = int(value)
        elif name == b"transfer-encoding":
            if value.strip().lower() != b"chunked":
                raise TransferCodingError
            is_chunked = True
    if length > limits.most_bytes and not is_chunked:
        raise BodyTooLargeError
    # asyncio.timeout() does the same, but costs a tenth of a whole request's time.
    expired = False

    def expire() -> None:
        nonlocal expired
        expired = True
        task.cancel()

    loop = asyncio.get_running_loop()
    task = cast("asyncio.Task[object]", asyncio.current_task(loop))
    timer = loop.call_later(limits.seconds, expire)
    try:
        return await _read(receive, limits.most_bytes)
    except asyncio.CancelledError:
        if expired and not task.uncancel():
            raise BodyTooSlowError from None
        raise  # it was canceled from outside
    finally:
        timer.cancel()


async def _read(receive: Receive, most_bytes: int) -> bytes:
    body = bytearray()
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise ClientGoneError
        part = message.get("body", b"")
        if len(body) + len(part) > most_bytes:
            raise BodyTooLargeError
        if not message.get("more_body", False):
            return b"".join((body, part)) if body else bytes(part)
        body += part
