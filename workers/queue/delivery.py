"""A delivery: one POST from the vendor, and the id that the receiver assigns to it."""

import random
from datetime import UTC, datetime
from enum import StrEnum
from typing import Annotated
from uuid import UUID

import msgspec

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_SECONDS_A_DAY = 86_400
_RANDOM_BITS = 62
# Overhead of a delivery besides its body and the vendor's ids, in bytes.
_FIXED_BYTES = 64


class Provider(StrEnum):
    """The header family of a delivery. It does not depend on the key that signed it."""

    DYTE = "dyte"
    REALTIMEKIT = "realtimekit"


class Delivery(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """What is kept of one POST.

    Attributes:
        id: assigned by the receiver, see `new_delivery_id`.
        received_at: when the signature was verified, UTC, in microseconds; `id` contains the same time.
        provider: the header family.
        delivery_uuid: the vendor's delivery id from the header; not covered by the signature.
        webhook_id: the vendor's webhook id from the header; not covered either.
        body: the signed bytes.
    """

    id: UUID
    received_at: Annotated[datetime, msgspec.Meta(tz=True)]
    provider: Provider
    delivery_uuid: str | None
    webhook_id: str | None
    body: bytes

    def size(self) -> int:
        """Return the delivery's approximate size in bytes: its body and its ids."""
        return _FIXED_BYTES + len(self.body) + len(self.delivery_uuid or "") + len(self.webhook_id or "")


def new_delivery_id(received_at: datetime) -> UUID:
    """Return a version 7 UUID with `received_at` to the microsecond, so that ids sort by time.

    Milliseconds fill the first 48 bits, the microseconds within them the next 12 (RFC 9562, 6.2, method 3),
    random bits the rest. The workers rely on ids sorting by `received_at`.
    """
    chance = random.getrandbits(_RANDOM_BITS)
    return UUID(int=_lowest(received_at) | chance)


def first_delivery_id(received_at: datetime) -> UUID:
    """Return the lowest possible id of a delivery received at `received_at`."""
    return UUID(int=_lowest(received_at))


def _lowest(received_at: datetime) -> int:
    since = received_at - _EPOCH
    milliseconds, microseconds = divmod(since.microseconds, 1000)
    milliseconds += (since.days * _SECONDS_A_DAY + since.seconds) * 1000
    return milliseconds << 80 | 0x7 << 76 | microseconds << 64 | 0b10 << 62
