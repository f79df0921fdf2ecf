"""The queue message: a group of deliveries that left the receiver together.

The queue carries the bodies themselves, so that a kept delivery needs no second place to be whole.
Dramatiq's messages are JSON (in Postgres even `jsonb`), bodies are any bytes: the group travels as base64 of
zlib-compressed MessagePack, one text argument.
"""

import base64
import zlib
from collections.abc import Sequence

import msgspec
from dramatiq import Message

from workers.errors import WorkersError
from workers.queue.delivery import Delivery

QUEUE_NAME = "rollcall"
ACTOR_NAME = "keep"

# zlib's fastest: bodies of one group repeat each other, and a queue's disk is dearer than these microseconds.
_COMPRESSION = 1

_encoder = msgspec.msgpack.Encoder()
_decoder = msgspec.msgpack.Decoder(list[Delivery])


class UnreadableGroupError(WorkersError):
    """A queue message's text is no group of deliveries that this version can read."""


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
        UnreadableGroupError: it is no such text: written by a newer version, or by something else.
    """
    try:
        return _decoder.decode(zlib.decompress(base64.b64decode(text, validate=True)))
    except (ValueError, zlib.error, msgspec.MsgspecError) as error:
        raise UnreadableGroupError(
            f"A queue message can't be read as a group of deliveries ({type(error).__name__}). "
            "It stays in the queue: let a worker of the version that wrote it process it."
        ) from error
