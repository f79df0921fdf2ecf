"""RabbitMQ as the queue: Dramatiq's broker on quorum queues, with confirms and without queues that drop messages.

- One durable quorum queue; no delay and no dead-letter queue (Dramatiq's dead-letter queues drop after seven days).
- A delivery limit out of reach: RabbitMQ 4 drops a message after 20 deliveries unless told otherwise. "Unlimited" (-1)
  is refused by RabbitMQ 3, and a queue's arguments must stay the same across an upgrade: so a number.
- `enqueue` is one try that returns after the confirm; another thread may cut it off.
- What did not commit goes back to the end of the queue (`workers.queue.acknowledgement`).
- A message is acknowledged on the channel that delivered it, or not at all: tags count from 1 on every channel, so
  after a reconnect Dramatiq's own consumer may acknowledge another message than it means.
"""

import threading
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from typing import Any

import pika
import structlog
from dramatiq import Message, MessageProxy
from dramatiq.brokers.rabbitmq import RabbitmqBroker, _RabbitmqConsumer
from dramatiq.errors import DecodeError
from pika.adapters.blocking_connection import BlockingChannel
from pika.adapters.utils.connection_workflow import AMQPConnectorException
from pika.exceptions import AMQPError, ChannelClosedByBroker

from runtime.deadlines import cut, deadlines
from runtime.liveness import DEAD_AFTER
from workers.queue.acknowledgement import RETURN_PAUSE, Acknowledgement, is_committed, log_returned, log_unreadable
from workers.queue.broker_address import amqp_nodes
from workers.queue.publisher import QueueAwayError

# Seconds.
_CONNECT_TIMEOUT = 2.0
_BLOCKED_TIMEOUT = 2.0
# RabbitMQ ends a connection when it has missed so many.
_MISSED_HEARTBEATS = 2

_QUEUE_ARGUMENTS = {"x-queue-type": "quorum", "x-delivery-limit": 2_000_000_000}
_PRECONDITION_FAILED = 406
_PERSISTENT = 2

# What Pika raises when a connection is lost, or can't be made.
_LOST = (AMQPError, AMQPConnectorException, OSError)

_log = structlog.get_logger(__name__)


class RabbitmqQueue(RabbitmqBroker):
    """The queue in RabbitMQ, for whoever publishes and for whoever consumes.

    Publishing is for one thread: one connection, kept open, whose heartbeats are served by `keep_alive`. Any other
    thread may cut it by `abort`.
    """

    def __init__(self, url: str, dead_after: float = DEAD_AFTER) -> None:
        super().__init__(url=amqp_nodes(url), confirm_delivery=True, middleware=[Acknowledgement()])
        for parameters in self.parameters:
            parameters.heartbeat = max(1, round(dead_after / _MISSED_HEARTBEATS))
            parameters.connection_attempts = 1
            parameters.socket_timeout = _CONNECT_TIMEOUT
            parameters.stack_timeout = _CONNECT_TIMEOUT * 2
            parameters.blocked_connection_timeout = _BLOCKED_TIMEOUT
        self.stopping = threading.Event()
        self.on_unreadable: Callable[[], None] = lambda: None
        self._publishing: BlockingChannel | None = None
        self._connection: pika.BlockingConnection | None = None
        # Held for moments only, never while the broker is waited for: `abort` must not wait either.
        self._connection_lock = threading.Lock()

    def declare_queue(self, queue_name: str, *, ensure: bool = False) -> None:
        """Note a queue; a connection declares it on the server before it uses it. There is no delay queue beside it."""
        del ensure
        if queue_name not in self.queues:
            self.emit_before("declare_queue", queue_name)
            self.queues.add(queue_name)
            self.emit_after("declare_queue", queue_name)

    def consume(self, queue_name: str, prefetch: int = 1, timeout: int = 5000) -> "_Consumer":
        """Return a consumer of the queue.

        Raises:
            QueueAwayError: no node lets us in, or the queue is not what we declare.
        """
        return _Consumer(self, queue_name, prefetch, timeout)

    def enqueue(self, message: Message[Any], *, delay: int | None = None) -> Message[Any]:
        """Publish a message by one try and return once the broker has confirmed it.

        Raises:
            QueueAwayError: it may or may not be in the queue.
        """
        if delay is not None:
            raise NotImplementedError("Nothing in this queue is delayed; publish without a delay.")
        try:
            self._publishing_channel(message.queue_name).basic_publish(
                exchange="",
                routing_key=message.queue_name,
                body=message.encode(),
                properties=pika.BasicProperties(delivery_mode=_PERSISTENT, message_id=message.message_id),
                mandatory=True,
            )
        except _LOST as error:
            # Also where the queue is gone (UnroutableError): the next connection declares it anew.
            self._drop_publishing()
            raise QueueAwayError(f"RabbitMQ did not confirm a message: {type(error).__name__}.") from None
        return message

    def keep_alive(self) -> None:
        """Open the publishing connection if it is closed, and serve its heartbeats. To be called every few seconds.

        Raises:
            QueueAwayError: no node lets us in, or the connection is lost.
        """
        try:
            for queue_name in self.queues:
                self._publishing_channel(queue_name).connection.process_data_events(0)
        except _LOST as error:
            self._drop_publishing()
            raise QueueAwayError(f"RabbitMQ does not answer: {type(error).__name__}.") from None

    def waiting(self, queue_name: str) -> int:
        """Return how many messages wait for a worker. For the thread that publishes.

        Raises:
            QueueAwayError: no node lets us in, or the connection is lost.
        """
        try:
            return int(
                self._publishing_channel(queue_name).queue_declare(queue_name, passive=True).method.message_count
            )
        except _LOST as error:
            self._drop_publishing()
            raise QueueAwayError(f"RabbitMQ does not answer: {type(error).__name__}.") from None

    def abort(self) -> None:
        """Cut the publishing connection from another thread: a call that hangs on it ends with an error."""
        with self._connection_lock:
            if self._connection is not None:
                _cut_connection(self._connection)

    def close(self) -> None:
        """Let go of the publishing connection; consumers close their own."""
        connection = self._take_connection()
        if connection is not None:
            with suppress(*_LOST), deadlines.within(_CONNECT_TIMEOUT, lambda: _cut_connection(connection)):
                connection.close()

    def _publishing_channel(self, queue_name: str) -> BlockingChannel:
        if self._publishing is not None and self._publishing.is_closed:
            self._drop_publishing()
        if self._publishing is None:
            connection = pika.BlockingConnection(self.parameters)
            with self._connection_lock:
                self._connection = connection
            channel = connection.channel()
            declare(channel, queue_name)
            channel.confirm_delivery()
            self._publishing = channel
        return self._publishing

    def _drop_publishing(self) -> None:
        connection = self._take_connection()
        if connection is not None:
            # Not a polite farewell: that waits for an answer, and who did not answer is why we are here.
            _cut_connection(connection)
            with suppress(*_LOST):
                connection.close()

    def _take_connection(self) -> pika.BlockingConnection | None:
        with self._connection_lock:
            connection, self._connection = self._connection, None
        self._publishing = None
        return connection


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


class _Received(MessageProxy):
    """A message, where it came from, and what it was."""

    def __init__(
        self, message: Message[Any], channel: BlockingChannel, tag: int, properties: pika.BasicProperties, body: bytes
    ) -> None:
        super().__init__(message)
        self.channel = channel
        self.tag = tag
        self.properties = properties
        self.body = body


class _Consumer(_RabbitmqConsumer):
    """Receives messages in the consumer's thread; what the workers' threads decide is sent from there too."""

    def __init__(self, broker: RabbitmqQueue, queue_name: str, prefetch: int, timeout: int) -> None:
        self.broker = broker
        self.queue_name = queue_name
        self.logger = broker.logger
        try:
            self.connection = pika.BlockingConnection(broker.parameters)
            self.channel = self.connection.channel()
            declare(self.channel, queue_name)
            self._returns = self.connection.channel()
            self._returns.confirm_delivery()
            self.channel.basic_qos(prefetch_count=prefetch)
            self.iterator = self.channel.consume(queue_name, inactivity_timeout=timeout / 1000)
        except _LOST as error:
            raise QueueAwayError(f"RabbitMQ does not let us consume: {type(error).__name__}.") from None

    def __next__(self) -> MessageProxy | None:
        try:
            method, properties, body = next(self.iterator)
        except (*_LOST, AssertionError) as error:
            raise QueueAwayError(f"RabbitMQ has ended the consumer: {type(error).__name__}.") from None
        if method is None or properties is None or body is None:
            return None
        try:
            message = Message.decode(body)
        except DecodeError:
            log_unreadable(properties.message_id)
            self.broker.on_unreadable()
            self._return_after(RETURN_PAUSE, method.delivery_tag, properties, body)
            return None
        return _Received(message, self.channel, method.delivery_tag, properties, body)

    def ack(self, message: MessageProxy) -> None:
        """Take a message out of the queue if it has committed; else put it back."""
        if not is_committed(message):
            log_returned(message)
            if message.failed:  # no actor of this version takes it
                self.broker.on_unreadable()
        if message.channel is not self.channel:
            return  # its channel is gone, and with it RabbitMQ has queued the message again
        if is_committed(message):
            decide = partial(self.channel.basic_ack, message.tag)
        else:
            pause = 0.0 if self.broker.stopping.is_set() else RETURN_PAUSE
            decide = partial(self._return_after, pause, message.tag, message.properties, message.body)
        # A connection that is closed by now has given the message back as well.
        with suppress(AMQPError):
            self.connection.add_callback_threadsafe(decide)

    nack = ack

    def close(self) -> None:
        """Send what was decided, then close; whatever is not acknowledged goes back to the queue."""
        try:
            super().close()
        except Exception as error:  # noqa: BLE001 - Dramatiq's thread would die of anything else
            _log.debug("consumer_close_failed", error=type(error).__name__)
            _cut_connection(self.connection)

    def _return_after(self, pause: float, tag: int, properties: pika.BasicProperties, body: bytes) -> None:
        self.connection.call_later(pause, partial(self._to_the_end, tag, properties, body))

    def _to_the_end(self, tag: int, properties: pika.BasicProperties, body: bytes) -> None:
        # A rejected message would go to the head of a quorum queue, and a handful of them would hold up all others. So
        # it is put at the end, and taken from the head only once that is confirmed: in between it is there twice.
        self._returns.basic_publish("", self.queue_name, body, properties, mandatory=True)
        self.channel.basic_ack(tag)


def _cut_connection(connection: pika.BlockingConnection) -> None:
    # Pika has no public way to its socket, and none to end a call that waits for an answer.
    with suppress(AttributeError):
        cut(connection._impl._transport._sock.fileno())  # type: ignore[union-attr]  # noqa: SLF001 - as said
