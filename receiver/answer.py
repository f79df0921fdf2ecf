"""The answers to `POST /webhook`, as ASGI messages that are made once."""

import asyncio
from http import HTTPStatus

import msgspec
from starlette.types import Message, Receive, Send

from receiver.refusal import RefusedError

# Seconds until the sender should come again after a 503; the vendor's own pace is about this.
RETRY_AFTER = b"2"

# How long the rest of a body is still read and thrown away after its refusal, in seconds.
_LINGER_SECONDS = 1.0

_CUT_OFF = frozenset({HTTPStatus.REQUEST_TIMEOUT, HTTPStatus.REQUEST_ENTITY_TOO_LARGE})


def _start(status: int, body: bytes, *more: tuple[bytes, bytes]) -> Message:
    headers = [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(body)), *more]
    return {"type": "http.response.start", "status": status, "headers": headers}


_ACCEPTED = b'{"status":"accepted"}'
_ACCEPTED_START = _start(HTTPStatus.OK, _ACCEPTED)
_ACCEPTED_BODY: Message = {"type": "http.response.body", "body": _ACCEPTED}


async def accept(send: Send) -> None:
    """Answer that the delivery is kept."""
    await send(_ACCEPTED_START)
    await send(_ACCEPTED_BODY)


async def refuse(refusal: type[RefusedError], receive: Receive, send: Send) -> None:
    """Answer with a refusal. Where the body was cut off, the connection ends with it."""
    start, body = _refusal(refusal)
    await send(start)
    if refusal.status in _CUT_OFF:
        await send({"type": "http.response.body", "body": body, "more_body": True})
        await _linger(receive)
        body = b""
    await send({"type": "http.response.body", "body": body})


_refusals: dict[str, tuple[Message, bytes]] = {}


def _refusal(refusal: type[RefusedError]) -> tuple[Message, bytes]:
    if refusal.reason not in _refusals:
        _refusals[refusal.reason] = _make_refusal(refusal)
    return _refusals[refusal.reason]


def _make_refusal(refusal: type[RefusedError]) -> tuple[Message, bytes]:
    body = msgspec.json.encode({"error": refusal.sentence})
    more: list[tuple[bytes, bytes]] = []
    if refusal.status == HTTPStatus.SERVICE_UNAVAILABLE:
        more.append((b"retry-after", RETRY_AFTER))
    elif refusal.status == HTTPStatus.METHOD_NOT_ALLOWED:
        more.append((b"allow", b"POST"))
    elif refusal.status in _CUT_OFF:
        more.append((b"connection", b"close"))
    return _start(refusal.status, body, *more), body


async def _linger(receive: Receive) -> None:
    """Read and throw away what still arrives, for a moment.

    A socket closed with unread bytes is reset, and a reset can overtake the answer: the sender would see a
    network error and send the same again, instead of the refusal that is final.
    """
    try:
        async with asyncio.timeout(_LINGER_SECONDS):
            while True:
                message = await receive()
                if message["type"] == "http.disconnect" or not message.get("more_body", False):
                    return
    except TimeoutError:
        return
