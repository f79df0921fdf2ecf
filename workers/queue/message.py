"""The queue message: a group of deliveries that the receiver sent together.

The queue carries the bodies themselves, so a delivery is complete in one place.
Dramatiq's messages are JSON (in Postgres even `jsonb`) while bodies are arbitrary bytes, so the group is sent as one
string argument: base64 of zlib-compressed MessagePack.
"""

import base64
import threading
import zlib
from collections.abc import Sequence

import msgspec
from dramatiq import Message

from workers.queue.delivery import Delivery
from workers.queue.unreadable import Unreadable, UnreadableError

QUEUE_NAME = "rollcall"
ACTOR_NAME = "keep"

# Bytes of a group before compression. A receiver sends a few MiB, or one body of at most 8 MiB; two megabytes of
# text could expand to two gigabytes.
MOST_GROUP_BYTES = 32 * 2**20
# The most text for a group of that size, including the envelope: base64 adds a third.
MOST_TEXT = MOST_GROUP_BYTES * 3 // 2

# zlib's fastest level: the bodies in a group resemble each other, and queue space costs more than these microseconds.
_COMPRESSION = 1
# Bytes of an ordinary group. Larger ones are decompressed one at a time, to bound memory.
_ORDINARY = 4 * 2**20

_encoder = msgspec.msgpack.Encoder()
_decoder = msgspec.msgpack.Decoder(list[Delivery])
_opening_large = threading.Lock()


def group_message(deliveries: Sequence[Delivery]) -> Message[None]:
    """Return the Dramatiq message for a group of deliveries."""
    return Message(
        queue_name=QUEUE_NAME,
        actor_name=ACTOR_NAME,
        args=(encode_group(deliveries),),
        kwargs={},
        options={},
    )


def encode_group(deliveries: Sequence[Delivery]) -> str:
    """Encode a group of deliveries as the message's text."""
    return base64.b64encode(zlib.compress(_encoder.encode(deliveries), _COMPRESSION)).decode("ascii")


def decode_group(text: str) -> list[Delivery]:
    """Decode the deliveries of a queue message, in the order in which the receiver kept them.

    Raises:
        UnreadableError: it is not such a text (a newer version or something else wrote it), or it exceeds
            `MOST_GROUP_BYTES`.
    """
    try:
        return _decoder.decode(_decompress(base64.b64decode(text, validate=True)))
    except (ValueError, zlib.error, msgspec.MsgspecError, RecursionError) as error:
        raise UnreadableError(Unreadable.NO_GROUP) from error


def _decompress(data: bytes) -> bytes:
    opening = zlib.decompressobj()
    start = opening.decompress(data, _ORDINARY)
    if opening.eof:
        return start
    with _opening_large:
        rest = opening.decompress(opening.unconsumed_tail, MOST_GROUP_BYTES - _ORDINARY)
    if not _has_ended(opening):
        raise UnreadableError(
            Unreadable.TOO_LARGE if len(start) + len(rest) == MOST_GROUP_BYTES else Unreadable.NO_GROUP
        )
    return start + rest


def _has_ended(opening: "zlib._Decompress") -> bool:
    return opening.eof
