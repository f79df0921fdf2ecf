"""Messages that no version of ours writes, and ways to put them into a queue as others may."""

import base64
import json
import uuid
import zlib
from typing import Any

import pika
import psycopg
from psycopg.types.json import Jsonb

from runtime.addresses import is_postgres
from workers.queue.brokers import open_broker
from workers.queue.message import ACTOR_NAME, MOST_GROUP_BYTES, QUEUE_NAME, group_message
from workers.queue.unreadable import Unreadable


def envelope(**changes: Any) -> dict[str, Any]:
    """A message like one of ours, but for `changes`."""
    ours = {
        "queue_name": QUEUE_NAME,
        "actor_name": ACTOR_NAME,
        "args": [group_message([]).args[0]],
        "kwargs": {},
        "options": {},
        "message_id": str(uuid.uuid4()),
        "message_timestamp": 1_700_000_000_000,
    }
    return {**ours, **changes}


def text_of(data: bytes) -> str:
    return base64.b64encode(zlib.compress(data)).decode()


NO_GROUPS: dict[str, Any] = {
    "no base64": "no group",
    "no zlib": base64.b64encode(b"no group").decode(),
    "cut short": base64.b64encode(zlib.compress(b"x" * 1000)[:-8]).decode(),
    "cut short, large": base64.b64encode(zlib.compress(b"x" * 5_000_000)[:-8]).decode(),
    "no MessagePack": text_of(b"\xc1"),
    "an array that says it is endless": text_of(b"\xdd\xff\xff\xff\xff"),
    "nested without end": text_of(b"\x91" * 100_000),
    "another version's encoding": text_of(b"\x82\xa7version\x02\xa6groups\x90"),
    "a delivery with too few fields": text_of(b"\x91\x92\xc0\xc0"),
    "not ASCII": "é",
}

BOMB = text_of(b"\x00" * (MOST_GROUP_BYTES + 1))

# Each with what it is called, what it is, and why it can't be read; all are JSON, as Postgres takes nothing else.
UNREADABLE: dict[str, tuple[Any, Unreadable]] = {
    "a list": ([1, 2], Unreadable.NO_MESSAGE),
    "null": (None, Unreadable.NO_MESSAGE),
    "another object": ({"of": "something else"}, Unreadable.NO_MESSAGE),
    "a field too many": (envelope(priority=1), Unreadable.NO_MESSAGE),
    "a field of another type": (envelope(options=None), Unreadable.NO_MESSAGE),
    "a field missing": ({"queue_name": QUEUE_NAME, "actor_name": ACTOR_NAME}, Unreadable.NO_MESSAGE),
    "an id that is none": (envelope(message_id=7), Unreadable.NO_MESSAGE),
    "nested without end": (envelope(args=[json.loads("[" * 900 + "]" * 900)]), Unreadable.OTHER_ARGUMENTS),
    "another queue": (envelope(queue_name="default"), Unreadable.OTHER_QUEUE),
    "a delayed one": (envelope(queue_name=f"{QUEUE_NAME}.DQ", options={"eta": 1}), Unreadable.OTHER_QUEUE),
    "another actor": (envelope(actor_name="an_actor_of_tomorrow"), Unreadable.UNKNOWN_ACTOR),
    "no argument": (envelope(args=[]), Unreadable.OTHER_ARGUMENTS),
    "two arguments": (envelope(args=["", ""]), Unreadable.OTHER_ARGUMENTS),
    "a number as argument": (envelope(args=[1]), Unreadable.OTHER_ARGUMENTS),
    "arguments by name": (envelope(args=[], kwargs={"text": ""}), Unreadable.OTHER_ARGUMENTS),
    "an eta": (envelope(options={"eta": 1_700_000_000_000}), Unreadable.OTHER_ARGUMENTS),
    "an option that Dramatiq would trip over": (envelope(options={"throws": "text"}), Unreadable.OTHER_ARGUMENTS),
    **{name: (envelope(args=[text]), Unreadable.NO_GROUP) for name, text in NO_GROUPS.items()},
    "a bomb": (envelope(args=[BOMB]), Unreadable.TOO_LARGE),
}

# What only RabbitMQ takes: any bytes.
UNREADABLE_BYTES: dict[str, bytes] = {
    "nothing": b"",
    "bytes": b"\x00\xff not even text",
    "a pickle": b"\x80\x04\x95\x0b\x00\x00\x00\x00\x00\x00\x00\x8c\x07message\x94.",
    "half of a JSON": json.dumps(envelope()).encode()[:-10],
    "JSON without end": b"[" * 200_000,
    "a number without end": b'{"message_timestamp":' + b"9" * 100_000 + b"}",
}


def put(broker_url: str, *messages: Any) -> None:
    """Put messages into the queue as another program would: bytes as they are, anything else as JSON."""
    if is_postgres(broker_url):
        with psycopg.connect(broker_url) as connection, connection.cursor() as cursor:
            cursor.executemany(
                "INSERT INTO rollcall_queue.queue (message_id, queue_name, state, message) "
                "VALUES (gen_random_uuid(), %s, 'queued', %s)",
                [(QUEUE_NAME, Jsonb(message)) for message in messages],
            )
        return
    broker = open_broker(broker_url)
    broker.keep_alive()  # declares the queue
    broker.close()
    rabbitmq = pika.BlockingConnection(pika.URLParameters(broker_url))
    channel = rabbitmq.channel()
    channel.confirm_delivery()
    properties = pika.BasicProperties(delivery_mode=2)  # type: ignore[no-untyped-call]  # published without types
    for message in messages:
        body = message if isinstance(message, bytes) else json.dumps(message).encode()
        channel.basic_publish("", QUEUE_NAME, body, properties)
    rabbitmq.close()
