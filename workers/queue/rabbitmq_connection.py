"""Connections to RabbitMQ: their errors, how to cut them, and declaring queues on them."""

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

# Message properties: persistent across a server restart.
PERSISTENT = 2

# Pika's errors for a lost or failed connection.
LOST = (AMQPError, AMQPConnectorException, OSError)

_QUEUE_ARGUMENTS = {"x-queue-type": "quorum", "x-delivery-limit": 2_000_000_000}
_PRECONDITION_FAILED = 406

_log = structlog.get_logger(__name__)


def parked_name(queue_name: str) -> str:
    """Return the name of the queue for a queue's parked messages."""
    return f"{queue_name}.parked"


def declare(channel: BlockingChannel, queue_name: str) -> None:
    """Declare the queue on the server, or check that it exists with the right arguments.

    Raises:
        QueueAwayError: a queue of this name exists with other arguments.
    """
    try:
        channel.queue_declare(queue_name, durable=True, arguments=_QUEUE_ARGUMENTS)
    except ChannelClosedByBroker as error:
        if error.reply_code != _PRECONDITION_FAILED:
            raise
        message = (
            f"The RabbitMQ queue '{queue_name}' exists with other arguments (it must be a quorum queue): "
            f"{error.reply_text}. Let its workers empty it and delete it with "
            f"`rabbitmqctl delete_queue {queue_name} --if-empty`; it will then be redeclared. "
            "Until then deliveries wait in the spool."
        )
        _log.error("queue_misdeclared", queue=queue_name, detail=message)
        raise QueueAwayError(message) from None


def cut_connection(connection: pika.BlockingConnection) -> None:
    """Break a connection from another thread: a thread waiting on it gets one of `LOST`."""
    # Pika has no public access to its socket, and no way to abort a blocked call.
    with suppress(AttributeError):
        cut(connection._impl._transport._sock.fileno())  # type: ignore[union-attr]  # noqa: SLF001 - as said
