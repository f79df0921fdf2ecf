"""The answers to `POST /webhook`, as prebuilt ASGI messages."""

from http import HTTPStatus

import msgspec
from starlette.types import Message, Send

from receiver.refusal import RefusedError

# Retry-After of a 503, in seconds; close to the vendor's own retry interval.
RETRY_AFTER = b"2"


def _start(status: int, body: bytes, *more: tuple[bytes, bytes]) -> Message:
    headers = [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(body)), *more]
    return {"type": "http.response.start", "status": status, "headers": headers}


_ACCEPTED = b'{"status":"accepted"}'
_ACCEPTED_START = _start(HTTPStatus.OK, _ACCEPTED)
_ACCEPTED_BODY: Message = {"type": "http.response.body", "body": _ACCEPTED}


async def accept(send: Send) -> None:
    """Acknowledge the delivery."""
    await send(_ACCEPTED_START)
    await send(_ACCEPTED_BODY)


async def refuse(refusal: type[RefusedError], send: Send) -> None:
    """Answer with a refusal."""
    start, body = _refusal(refusal)
    await send(start)
    await send(body)


_refusals: dict[str, tuple[Message, Message]] = {}


def _refusal(refusal: type[RefusedError]) -> tuple[Message, Message]:
    if refusal.reason not in _refusals:
        _refusals[refusal.reason] = _make_refusal(refusal)
    return _refusals[refusal.reason]


def _make_refusal(refusal: type[RefusedError]) -> tuple[Message, Message]:
    body = msgspec.json.encode({"error": refusal.sentence})
    more: list[tuple[bytes, bytes]] = []
    if refusal.status == HTTPStatus.SERVICE_UNAVAILABLE:
        more.append((b"retry-after", RETRY_AFTER))
    elif refusal.status == HTTPStatus.METHOD_NOT_ALLOWED:
        more.append((b"allow", b"POST"))
    return _start(refusal.status, body, *more), {"type": "http.response.body", "body": body}
