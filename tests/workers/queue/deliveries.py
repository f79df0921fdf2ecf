"""Deliveries for tests of the queue, a `settle` that only notes them, and ways to wait."""

import time
from collections import Counter
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pika
import psycopg
from pika.exceptions import ChannelClosedByBroker

from runtime.addresses import is_postgres
from workers.queue.delivery import Delivery, Provider, new_delivery_id
from workers.queue.message import QUEUE_NAME
from workers.reading.scope import Scope
from workers.reading.status import Status
from workers.settling.settlement import Settlement

BODY = b'{"event":"meeting.started","secret":"a body that no log may show"}'
DEADLINE = 60.0


def a_delivery(body: bytes = BODY) -> Delivery:
    """A delivery that has just come in."""
    now = datetime.now(UTC)
    return Delivery(new_delivery_id(now), now, Provider.DYTE, None, None, body)


def make_kept_table(connection: psycopg.Connection[Any]) -> None:
    """Make the table in which `note` counts how often a delivery was settled."""
    connection.execute("CREATE TABLE IF NOT EXISTS kept (id uuid PRIMARY KEY, times integer NOT NULL DEFAULT 1)")


def note(connection: psycopg.Connection[Any], deliveries: Sequence[Delivery], _scope: Scope) -> Settlement:
    """Settle deliveries by noting their ids."""
    connection.execute(
        "INSERT INTO kept (id) SELECT unnest(%s::uuid[]) ON CONFLICT (id) DO UPDATE SET times = kept.times + 1",
        ([delivery.id for delivery in deliveries],),
    )
    return Settlement(Counter({Status.PROCESSED: len(deliveries)}))


def kept_ids(database_url: str) -> set[UUID]:
    """The deliveries that were settled."""
    with psycopg.connect(database_url) as connection:
        return {row[0] for row in connection.execute("SELECT id FROM kept")}


def in_queue(broker_url: str) -> int:
    """How many messages the queue holds, claimed ones among them (RabbitMQ: ready ones only)."""
    if is_postgres(broker_url):
        with psycopg.connect(broker_url) as connection:
            row = connection.execute("SELECT count(*) FROM rollcall_queue.queue").fetchone()
            return int(row[0]) if row else 0
    rabbitmq = pika.BlockingConnection(pika.URLParameters(broker_url))
    try:
        return int(rabbitmq.channel().queue_declare(QUEUE_NAME, passive=True).method.message_count)
    except ChannelClosedByBroker:
        return 0  # nobody has declared it yet
    finally:
        rabbitmq.close()


def wait_until(condition: Callable[[], object], deadline: float = DEADLINE) -> None:
    """Return once `condition` holds; fail if it has not come about after `deadline` seconds."""
    until = time.monotonic() + deadline
    while not condition():
        if time.monotonic() > until:
            raise AssertionError("It did not come about in time.")
        time.sleep(0.02)
