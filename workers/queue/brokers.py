"""The queue that `BROKER_URL` names, ready to be published to and consumed from."""

from runtime.addresses import is_postgres
from runtime.liveness import DEAD_AFTER
from workers.queue.message import QUEUE_NAME
from workers.queue.postgres import PostgresQueue
from workers.queue.rabbitmq import RabbitmqQueue


def open_broker(url: str, dead_after: float = DEAD_AFTER) -> PostgresQueue | RabbitmqQueue:
    """Return the Dramatiq broker for a URL that `runtime.addresses.broker_url` has checked.

    It is also a `workers.queue.publisher.Publisher`. Nothing is connected yet: a queue that is away shows when used.
    What a process that is silent for `dead_after` seconds had in hand goes back to the queue.
    """
    broker = PostgresQueue(url, dead_after) if is_postgres(url) else RabbitmqQueue(url, dead_after)
    broker.declare_queue(QUEUE_NAME)
    return broker
