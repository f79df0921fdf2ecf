"""The queue messages: a group of deliveries that the receiver sent together, or answers of the vendor's API.

The queue carries the bodies themselves, so a delivery is complete in one place.
Dramatiq's messages are JSON (in Postgres even `jsonb`) while bodies are arbitrary bytes, so the group is sent as one
string argument: base64 of zlib-compressed MessagePack.
"""

import base64
import threading
import zlib
from collections.abc import Sequence
from typing import TypeVar

import msgspec
from dramatiq import Message

from workers.queue.delivery import Delivery
from workers.queue.observation import Answers
from workers.queue.unreadable import Unreadable, UnreadableError

QUEUE_NAME = "rollcall"
ACTOR_NAME = "keep"
# Of answers. A version that does not know this actor parks them.
OBSERVING_ACTOR_NAME = "observe"

# Bytes of a group before compression. A receiver sends a few MiB, or one body of at most 8 MiB; two megabytes of
# text could expand to two gigabytes.
MOST_GROUP_BYTES = 32 * 2**20
# The most text for a group of that size, including the envelope: base64 adds a third.
MOST_TEXT = MOST_GROUP_BYTES * 3 // 2

# zlib's fastest level: the bodies in a group resemble each other, and queue space costs more than these microseconds.
_COMPRESSION = 1
# Bytes of an ordinary group. Larger ones are decompressed one at a time, to bound memory.
_ORDINARY = 4 * 2**20

Decoded = TypeVar("Decoded")

_encoder = msgspec.msgpack.Encoder()
_decoder = msgspec.msgpack.Decoder(list[Delivery])
_answers_decoder = msgspec.msgpack.Decoder(Answers)
_opening_large = threading.Lock()


def group_message(deliveries: Sequence[Delivery]) -> Message[None]:
    """Return the Dramatiq message for a group of deliveries."""
    return _message(ACTOR_NAME, encode_group(deliveries))


def answers_message(answers: Answers) -> Message[None]:
    """Return the Dramatiq message for answers of the vendor's API."""
    return _message(OBSERVING_ACTOR_NAME, _encode(answers))


def encode_group(deliveries: Sequence[Delivery]) -> str:
    """Encode a group of deliveries as the message's text."""
    return _encode(deliveries)


def decode_group(text: str) -> list[Delivery]:
    """Decode the deliveries of a queue message, in the order in which the receiver kept them.

    Raises:
        UnreadableError: it is not such a text (a newer version or something else wrote it), or it exceeds
            `MOST_GROUP_BYTES`.
    """
    return _decode(_decoder, text)


def decode_answers(text: str) -> Answers:
    """Decode the answers of a queue message.

    Raises:
        UnreadableError: as `decode_group`.
    """
    return _decode(_answers_decoder, text)


def _message(actor_name: str, text: str) -> Message[None]:
    return Message(queue_name=QUEUE_NAME, actor_name=actor_name, args=(text,), kwargs={}, options={})


def _encode(group: object) -> str:
    return base64.b64encode(zlib.compress(_encoder.encode(group), _COMPRESSION)).decode("ascii")


def _decode(decoder: "msgspec.msgpack.Decoder[Decoded]", text: str) -> "Decoded":
    try:
        return decoder.decode(_decompress(base64.b64decode(text, validate=True)))
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
