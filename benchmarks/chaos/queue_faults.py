"""Faults of the queue itself: deleted, access revoked, in alarm, filled with unreadable messages."""

import time
from collections.abc import Callable, Iterator

import pika
from pika.adapters.utils.connection_workflow import AMQPConnectorException
from pika.exceptions import AMQPError

from benchmarks.chaos.fault import Fault, SparedError
from benchmarks.chaos.rabbitmq_nodes import RabbitmqNode
from benchmarks.chaos.stage import Stage
from benchmarks.chaos.waiting import NeverCameError, wait_until
from tests.workers.queue.unreadable_messages import UNREADABLE, UNREADABLE_BYTES, put
from workers.queue.message import QUEUE_NAME
from workers.queue.rabbitmq_connection import declare

# Seconds for the workers to empty a queue into which nothing comes any more, and for which it has to be empty: what
# RabbitMQ says of a quorum queue is up to five seconds old.
_EMPTY_WITHIN = 60.0
_EMPTY_FOR = 11.0
_ANSWERS_WITHIN = 120.0

# Between receivers and queue nothing may pass while a queue is deleted: what lay in it would be gone.
INTAKE = "receivers to queue"


def of_foreign_messages(stage: Stage) -> Iterator[Fault]:
    """Others write to the queue: other actors and queues, no JSON, bombs. Nothing of it may be thrown away."""
    messages = [message for message, _ in UNREADABLE.values()]
    if stage.nodes:
        messages += UNREADABLE_BYTES.values()
    server = "rabbitmq" if stage.nodes else "postgres"

    def write() -> None:
        try:
            put(stage.broker_urls[0], *messages)
        except Exception as error:
            raise SparedError from error  # the server is away: some or none of them came
        stage.foreign += len(messages)

    yield Fault("foreign messages", server, write, _nothing, 0.0)


def of_rabbitmq_queue(stage: Stage) -> Iterator[Fault]:
    """RabbitMQ's queue or virtual host is deleted, our rights are withdrawn, the node is in alarm."""
    if not stage.nodes:
        return
    node = stage.nodes[0]

    def once_empty(delete: Callable[[], None]) -> Callable[[], None]:
        def act() -> None:
            for proxy in stage.to_queue:
                proxy.refuse()
            try:
                wait_until(_Empty(node), "the queue is empty", _EMPTY_WITHIN)
            except NeverCameError as error:  # a worker is frozen with messages in hand
                raise SparedError from error
            delete()

        return act

    def admit() -> None:
        for proxy in stage.to_queue:
            proxy.admit()

    def delete_vhost() -> None:
        stage.foreign = 0  # what is parked there goes with it
        node.control("delete_vhost", "/")
        node.control("add_vhost", "/")
        _permit(node)

    for kind, delete in (
        ("queue deleted", lambda: _delete_queue(node, again=False)),
        ("queue deleted and declared again", lambda: _delete_queue(node, again=True)),
        ("vhost deleted", delete_vhost),
    ):
        yield Fault(kind, "rabbitmq", once_empty(delete), admit, 1.0, also=(INTAKE,))
    yield Fault(
        "permissions withdrawn",
        "rabbitmq",
        lambda: node.control("clear_permissions", "-p", "/", "guest"),
        lambda: _permit(node),
        10.0,
    )
    yield Fault(
        "memory alarm",
        "rabbitmq",
        lambda: node.control("set_vm_memory_high_watermark", "absolute", "1MB"),
        lambda: node.control("set_vm_memory_high_watermark", "0.4"),
        15.0,
    )
    yield Fault(
        "disk alarm",
        "rabbitmq",
        lambda: node.control("set_disk_free_limit", str(10**15)),
        lambda: node.control("set_disk_free_limit", "50MB"),
        15.0,
    )


class _Empty:
    """Whether a queue has been empty for long enough to believe it."""

    def __init__(self, node: RabbitmqNode) -> None:
        self._node = node
        self._since: float | None = None

    def __call__(self) -> bool:
        if self._node.messages():
            self._since = None
            return False
        now = time.monotonic()
        self._since = now if self._since is None else self._since
        return now - self._since >= _EMPTY_FOR


def _delete_queue(node: RabbitmqNode, *, again: bool) -> None:
    try:
        connection = pika.BlockingConnection(pika.URLParameters(node.url))
        channel = connection.channel()
        channel.queue_delete(QUEUE_NAME)
        if again:
            declare(channel, QUEUE_NAME)
        connection.close()
    except (AMQPError, AMQPConnectorException, OSError) as error:
        raise SparedError from error


def _permit(node: RabbitmqNode) -> None:
    node.control("set_permissions", "-p", "/", "guest", ".*", ".*", ".*")


def _nothing() -> None:
    time.sleep(0)
