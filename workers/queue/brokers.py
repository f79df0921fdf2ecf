"""The queue that `BROKER_URL` names, ready to be published to and consumed from."""

from workers.queue.address import is_postgres
from workers.queue.message import QUEUE_NAME
from workers.queue.postgres import PostgresQueue
from workers.queue.rabbitmq import RabbitmqQueue


def open_broker(url: str) -> PostgresQueue | RabbitmqQueue:
    """Return the Dramatiq broker for a URL that `workers.queue.address.broker_url` has checked.

    It is also a `workers.queue.publisher.Publisher`. Nothing is connected yet: a queue that is away shows when used.
    """
    broker = PostgresQueue(url) if is_postgres(url) else RabbitmqQueue(url)
    broker.declare_queue(QUEUE_NAME)
    return broker
