"""The queue message: a group of deliveries that left the receiver together.

The queue carries the bodies themselves, so that a kept delivery needs no second place to be whole.
Dramatiq's messages are JSON (in Postgres even `jsonb`), bodies are any bytes: the group travels as base64 of
zlib-compressed MessagePack, one text argument.
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

# Bytes of a group before it is compressed. A receiver sends a few MiB, or one body of at most 8 MiB; two megabytes of
# text could hold two gigabytes.
MOST_GROUP_BYTES = 32 * 2**20
# What a group of that size takes at most as text, the message around it included: base64 adds a third.
MOST_TEXT = MOST_GROUP_BYTES * 3 // 2

# zlib's fastest: bodies of one group repeat each other, and a queue's disk is dearer than these microseconds.
_COMPRESSION = 1
# Bytes of an ordinary group. Larger ones are opened one at a time, so that many at once need no more memory than one.
_ORDINARY = 4 * 2**20

_encoder = msgspec.msgpack.Encoder()
_decoder = msgspec.msgpack.Decoder(list[Delivery])
_opening_large = threading.Lock()


def group_message(deliveries: Sequence[Delivery]) -> Message[None]:
    """Return the Dramatiq message that carries a group of deliveries to the workers."""
    return Message(
        queue_name=QUEUE_NAME,
        actor_name=ACTOR_NAME,
        args=(encode_group(deliveries),),
        kwargs={},
        options={},
    )


def encode_group(deliveries: Sequence[Delivery]) -> str:
    """Return a group of deliveries as the text that travels in the queue."""
    return base64.b64encode(zlib.compress(_encoder.encode(deliveries), _COMPRESSION)).decode("ascii")


def decode_group(text: str) -> list[Delivery]:
    """Return the deliveries of a queue message, in the order in which the receiver kept them.

    Raises:
        UnreadableError: it is no such text (a newer version or something else wrote it), or it holds more than
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
