"""The broker for `BROKER_URL`, ready for publishing and consuming."""

from runtime.addresses import is_postgres
from runtime.liveness import DEAD_AFTER
from workers.queue.message import QUEUE_NAME
from workers.queue.postgres import PostgresQueue
from workers.queue.rabbitmq import RabbitmqQueue


def open_broker(url: str, dead_after: float = DEAD_AFTER) -> PostgresQueue | RabbitmqQueue:
    """Return the Dramatiq broker for a URL from `workers.queue.broker_address`.

    It is also a `workers.queue.publisher.Publisher`. It connects when first used.
    Messages of a process that is silent for `dead_after` seconds are requeued.
    """
    broker = PostgresQueue(url, dead_after) if is_postgres(url) else RabbitmqQueue(url, dead_after)
    broker.declare_queue(QUEUE_NAME)
    return broker
