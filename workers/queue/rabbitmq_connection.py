"""Connections to RabbitMQ: what they raise when lost, how they are cut, and the queues that are declared on them."""

from contextlib import suppress

import pika
import structlog
from pika.adapters.blocking_connection import BlockingChannel
from pika.adapters.utils.connection_workflow import AMQPConnectorException
from pika.exceptions import AMQPError, ChannelClosedByBroker

from runtime.deadlines import cut
from workers.queue.publisher import QueueAwayError

# Seconds.
CONNECT_TIMEOUT = 2.0

# Message properties: it survives a restart of the server.
PERSISTENT = 2

# What Pika raises when a connection is lost, or can't be made.
LOST = (AMQPError, AMQPConnectorException, OSError)

_QUEUE_ARGUMENTS = {"x-queue-type": "quorum", "x-delivery-limit": 2_000_000_000}
_PRECONDITION_FAILED = 406

_log = structlog.get_logger(__name__)


def parked_name(queue_name: str) -> str:
    """Return the name of the queue beside a queue where the messages lie that could not be read."""
    return f"{queue_name}.parked"


def declare(channel: BlockingChannel, queue_name: str) -> None:
    """Declare the queue on the server, or see that it is there as it must be.

    Raises:
        QueueAwayError: a queue of this name exists with other arguments.
    """
    try:
        channel.queue_declare(queue_name, durable=True, arguments=_QUEUE_ARGUMENTS)
    except ChannelClosedByBroker as error:
        if error.reply_code != _PRECONDITION_FAILED:
            raise
        message = (
            f"The RabbitMQ queue '{queue_name}' was once declared with other arguments (it must be a quorum queue): "
            f"{error.reply_text}. Let its workers empty it, delete it by "
            f"`rabbitmqctl delete_queue {queue_name} --if-empty`, and it will be declared anew; "
            "meanwhile deliveries wait in the spool."
        )
        _log.error("queue_misdeclared", queue=queue_name, detail=message)
        raise QueueAwayError(message) from None


def cut_connection(connection: pika.BlockingConnection) -> None:
    """Break a connection from another thread: whoever waits on it gets one of `LOST`."""
    # Pika has no public way to its socket, and none to end a call that waits for an answer.
    with suppress(AttributeError):
        cut(connection._impl._transport._sock.fileno())  # type: ignore[union-attr]  # noqa: SLF001 - as said
