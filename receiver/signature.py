"""Reads a request's headers: the signature, its header family, and the vendor's ids."""

import binascii
from collections.abc import Iterable
from enum import Enum, auto
from typing import NamedTuple

from receiver.refusal import RefusedError
from workers.queue.delivery import Provider

# The vendor's ids are UUIDs; they are not authenticated, so their length is bounded here.
MOST_ID_CHARACTERS = 200

# RSA signatures are as long as their key: 2048 to 8192 bits in steps of 512.
SHORTEST_SIGNATURE = 256
LONGEST_SIGNATURE = 1024
SIGNATURE_STEP = 64
# Not part of a header's value; the parser strips the leading ones only.
_BLANKS = b" \t"

_LONGEST_ENCODED = -(-LONGEST_SIGNATURE // 3) * 4


class _Id(Enum):
    DELIVERY = auto()
    WEBHOOK = auto()


# What each header contains: a signature of that family, or an id.
_HOLDS: dict[bytes, Provider | _Id] = {
    b"dyte-signature": Provider.DYTE,
    b"rtk-signature": Provider.REALTIMEKIT,
    b"dyte-uuid": _Id.DELIVERY,
    b"rtk-uuid": _Id.DELIVERY,
    b"dyte-webhook-id": _Id.WEBHOOK,
    b"rtk-webhook-id": _Id.WEBHOOK,
}


class NoSignatureError(RefusedError):
    """There is no signature header of either family."""

    status = 401
    reason = "no_signature"
    sentence = "The delivery has no signature."


class MalformedSignatureError(RefusedError):
    """The signature headers are not an RSA signature, or differ."""

    status = 401
    reason = "malformed_signature"
    sentence = "The delivery's signature is malformed."


class Claim(NamedTuple):
    """The headers' claims, all unverified; only the signature can be verified.

    Attributes:
        signature: the decoded bytes, as long as an RSA signature.
        provider: the family of the signature's header name.
        delivery_uuid: the vendor's id of the delivery, cut to 200 characters; None without one.
        webhook_id: the vendor's id of the webhook registration, likewise.
    """

    signature: bytes
    provider: Provider
    delivery_uuid: str | None
    webhook_id: str | None


def read_claim(headers: Iterable[tuple[bytes, bytes]]) -> Claim:
    """Return the claims in the headers (lower-case names, as in ASGI).

    The same signature may be repeated, under either name; different ones are refused, even if one of them is valid.
    With both names the family is RealtimeKit's, the newer one.

    Raises:
        NoSignatureError: there is none.
        MalformedSignatureError: it can't be a signature, or there are several.
    """
    encoded: bytes | None = None
    provider = Provider.DYTE
    delivery_uuid = webhook_id = None
    for name, value in headers:
        holds = _HOLDS.get(name)
        if holds is None:
            continue
        if holds is _Id.DELIVERY:
            delivery_uuid = _id(value)
        elif holds is _Id.WEBHOOK:
            webhook_id = _id(value)
        elif encoded is not None and encoded != value:
            raise MalformedSignatureError
        else:
            encoded = value
            if holds is Provider.REALTIMEKIT:
                provider = holds
    if encoded is None:
        raise NoSignatureError
    return Claim(decode_signature(encoded), provider, delivery_uuid, webhook_id)


def decode_signature(encoded: bytes) -> bytes:
    """Decode a header's value as strict base64.

    Raises:
        MalformedSignatureError: the value is not base64, or its length is not that of an RSA signature.
    """
    encoded = encoded.strip(_BLANKS)
    if len(encoded) > _LONGEST_ENCODED:
        raise MalformedSignatureError
    try:
        signature = binascii.a2b_base64(encoded, strict_mode=True)
    except binascii.Error:
        raise MalformedSignatureError from None
    if not SHORTEST_SIGNATURE <= len(signature) <= LONGEST_SIGNATURE or len(signature) % SIGNATURE_STEP:
        raise MalformedSignatureError
    return signature


def _id(value: bytes) -> str | None:
    # Postgres accepts no NUL in text; the HTTP parser rejects it, a proxy protocol might not.
    return value.strip(_BLANKS)[:MOST_ID_CHARACTERS].decode("latin-1").replace("\0", "") or None
