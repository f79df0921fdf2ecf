"""The envelope: a message's fields around its argument, validated before Dramatiq sees them.

Dramatiq does not validate them. A message for another queue or with options of the wrong type kills its threads, one
with an `eta` is delayed and published again, and one for an unknown actor goes to a queue where messages expire.
"""

from collections.abc import Collection
from typing import Any

import msgspec
from dramatiq import Message

from workers.queue.message import MOST_TEXT, QUEUE_NAME
from workers.queue.unreadable import Unreadable, UnreadableError


class _Envelope(msgspec.Struct, forbid_unknown_fields=True):
    queue_name: str
    actor_name: str
    args: list[Any]
    kwargs: dict[str, Any]
    options: dict[str, Any]
    message_id: str
    message_timestamp: float


class _Addressee(msgspec.Struct):
    actor_name: str


_envelopes = msgspec.json.Decoder(_Envelope)
_addressees = msgspec.json.Decoder(_Addressee)


def read_message(data: bytes | str | None, actors: Collection[str], message_id: str | None = None) -> Message[Any]:
    """Return a message consumed from the queue.

    Args:
        data: the message as queued; None if it is too large to fetch.
        actors: names of this version's actors, each of which takes one string.
        message_id: the queue's id of the message, if it has one; replaces the id in the message.

    Raises:
        UnreadableError: this version can't process it.
    """
    if data is None or len(data) > MOST_TEXT:
        raise UnreadableError(Unreadable.TOO_LARGE)
    try:
        envelope = _envelopes.decode(data)
    except (ValueError, msgspec.MsgspecError, RecursionError) as error:
        raise UnreadableError(Unreadable.NO_MESSAGE) from error
    if envelope.queue_name != QUEUE_NAME:
        raise UnreadableError(Unreadable.OTHER_QUEUE)
    if envelope.actor_name not in actors:
        raise UnreadableError(Unreadable.UNKNOWN_ACTOR)
    args = envelope.args
    if len(args) != 1 or not isinstance(args[0], str) or envelope.kwargs or envelope.options:
        raise UnreadableError(Unreadable.OTHER_ARGUMENTS)
    return Message(
        queue_name=envelope.queue_name,
        actor_name=envelope.actor_name,
        args=(args[0],),
        kwargs={},
        options={},
        message_id=message_id or envelope.message_id,
    )


def actor_of(data: bytes) -> str | None:
    """Return the actor that a message names, even if the rest is unreadable; None if it names none."""
    try:
        return _addressees.decode(data).actor_name
    except (ValueError, msgspec.MsgspecError, RecursionError):
        return None
