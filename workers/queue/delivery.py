"""A delivery: one POST of the vendor, as it was kept, and the id that the receiver gives it."""

import random
from datetime import UTC, datetime
from enum import StrEnum
from typing import Annotated
from uuid import UUID

import msgspec

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_SECONDS_A_DAY = 86_400
_RANDOM_BITS = 62
# What a delivery takes beside its body and the vendor's ids, in bytes.
_FIXED_BYTES = 64


class Provider(StrEnum):
    """The family of header names a delivery came with. It says nothing about the key that signed it."""

    DYTE = "dyte"
    REALTIMEKIT = "realtimekit"


class Delivery(msgspec.Struct, frozen=True, array_like=True):
    """What was kept of one POST.

    Attributes:
        id: given by the receiver, see `new_delivery_id`.
        received_at: when the POST's signature was found good, UTC, microseconds; the time that is in `id`.
        provider: the header family.
        delivery_uuid: the vendor's id of the delivery, as its header says; not covered by the signature.
        webhook_id: the vendor's id of the webhook registration, as its header says; not covered either.
        body: the bytes that were signed.
    """

    id: UUID
    received_at: Annotated[datetime, msgspec.Meta(tz=True)]
    provider: Provider
    delivery_uuid: str | None
    webhook_id: str | None
    body: bytes

    def size(self) -> int:
        """Return how many bytes the delivery takes, about: its body and its ids."""
        return _FIXED_BYTES + len(self.body) + len(self.delivery_uuid or "") + len(self.webhook_id or "")


def new_delivery_id(received_at: datetime) -> UUID:
    """Return a version 7 UUID that holds `received_at` to the microsecond, so that ids sort as times do.

    Milliseconds fill the first 48 bits, the microseconds within them the next 12 (RFC 9562, 6.2, method 3),
    chance the rest. That the order of ids is the order of `received_at` is relied on by the workers.
    """
    chance = random.getrandbits(_RANDOM_BITS)
    return UUID(int=_lowest(received_at) | chance)


def first_delivery_id(received_at: datetime) -> UUID:
    """Return the lowest id that a delivery received at a time can have."""
    return UUID(int=_lowest(received_at))


def _lowest(received_at: datetime) -> int:
    since = received_at - _EPOCH
    milliseconds, microseconds = divmod(since.microseconds, 1000)
    milliseconds += (since.days * _SECONDS_A_DAY + since.seconds) * 1000
    return milliseconds << 80 | 0x7 << 76 | microseconds << 64 | 0b10 << 62
