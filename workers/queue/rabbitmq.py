"""RabbitMQ as the queue: Dramatiq's broker on quorum queues, with confirms and without queues that drop messages.

- One durable quorum queue; no delay and no dead-letter queue (Dramatiq's dead-letter queues drop after seven days).
- A very high delivery limit: RabbitMQ 4 drops a message after 20 deliveries by default. RabbitMQ 3 rejects "unlimited"
  (-1), and a queue's arguments must stay the same across an upgrade, so it is a number.
- `enqueue` makes one attempt and returns after the confirm; another thread may abort it.
- Uncommitted messages go back to the end of the queue, unreadable ones to a separate queue
  (`workers.queue.acknowledgement`, `workers.queue.rabbitmq_consumer`).
"""

import threading
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import pika
from dramatiq import Message
from dramatiq.brokers.rabbitmq import RabbitmqBroker
from pika.adapters.blocking_connection import BlockingChannel

from runtime.deadlines import deadlines
from runtime.liveness import DEAD_AFTER
from workers.queue.acknowledgement import Acknowledgement
from workers.queue.broker_address import amqp_nodes
from workers.queue.publisher import QueueAwayError
from workers.queue.rabbitmq_connection import CONNECT_TIMEOUT, LOST, PERSISTENT, cut_connection, declare
from workers.queue.rabbitmq_consumer import RabbitmqConsumer
from workers.queue.rabbitmq_parking import ParkedInRabbitmq
from workers.queue.unreadable import Unreadable

# Seconds.
_BLOCKED_TIMEOUT = 2.0
# RabbitMQ closes a connection after this many missed heartbeats.
_MISSED_HEARTBEATS = 2


class RabbitmqQueue(RabbitmqBroker):
    """The queue in RabbitMQ, for publishers and consumers.

    Only one thread may publish, on one persistent connection whose heartbeats `keep_alive` sends. Any other thread may
    cut it with `abort`.
    """

    def __init__(self, url: str, dead_after: float = DEAD_AFTER) -> None:
        super().__init__(url=amqp_nodes(url), confirm_delivery=True, middleware=[Acknowledgement()])
        for parameters in self.parameters:
            parameters.heartbeat = max(1, round(dead_after / _MISSED_HEARTBEATS))
            parameters.connection_attempts = 1
            parameters.socket_timeout = CONNECT_TIMEOUT
            parameters.stack_timeout = CONNECT_TIMEOUT * 2
            parameters.blocked_connection_timeout = _BLOCKED_TIMEOUT
        self.stopping = threading.Event()
        self.on_parked: Callable[[Unreadable], None] = lambda _reason: None
        self.on_unreadable: Callable[[], None] = lambda: None
        self.held: set[int] = set()
        self.received = 0
        self.consuming: pika.BlockingConnection | None = None
        self._publishing: BlockingChannel | None = None
        self._connection: pika.BlockingConnection | None = None
        # Only held briefly, never while waiting for the broker: `abort` must not block.
        self._connection_lock = threading.Lock()

    def declare_queue(self, queue_name: str, *, ensure: bool = False) -> None:
        """Register a queue; each connection declares it on the server before using it. There is no delay queue."""
        del ensure
        if queue_name not in self.queues:
            self.emit_before("declare_queue", queue_name)
            self.queues.add(queue_name)
            self.emit_after("declare_queue", queue_name)

    def consume(self, queue_name: str, prefetch: int = 1, timeout: int = 5000) -> RabbitmqConsumer:
        """Return a consumer of the queue.

        Raises:
            QueueAwayError: no node accepts the connection, or the queue has other arguments.
        """
        return RabbitmqConsumer(self, queue_name, prefetch, timeout)

    def enqueue(self, message: Message[Any], *, delay: int | None = None) -> Message[Any]:
        """Publish a message in one attempt; return once the broker has confirmed it.

        Raises:
            QueueAwayError: it may or may not be in the queue.
        """
        if delay is not None:
            raise NotImplementedError("This queue does not support delays; publish without one.")
        try:
            self._publishing_channel(message.queue_name).basic_publish(
                exchange="",
                routing_key=message.queue_name,
                body=message.encode(),
                properties=pika.BasicProperties(delivery_mode=PERSISTENT, message_id=message.message_id),
                mandatory=True,
            )
        except LOST as error:
            # Also if the queue is gone (UnroutableError): the next connection redeclares it.
            self._drop_publishing()
            raise QueueAwayError(f"RabbitMQ did not confirm a message: {type(error).__name__}.") from None
        return message

    def keep_alive(self) -> None:
        """Open the publishing connection if it is closed, and send its heartbeats. Call it every few seconds.

        Raises:
            QueueAwayError: no node accepts the connection, or it is lost.
        """
        try:
            for queue_name in self.queues:
                self._publishing_channel(queue_name).connection.process_data_events(0)
        except LOST as error:
            self._drop_publishing()
            raise QueueAwayError(f"RabbitMQ does not answer: {type(error).__name__}.") from None

    def waiting(self, queue_name: str) -> int:
        """Return the number of messages waiting for a worker. For the publishing thread.

        Raises:
            QueueAwayError: no node accepts the connection, or it is lost.
        """
        try:
            return int(
                self._publishing_channel(queue_name).queue_declare(queue_name, passive=True).method.message_count
            )
        except LOST as error:
            self._drop_publishing()
            raise QueueAwayError(f"RabbitMQ does not answer: {type(error).__name__}.") from None

    def is_alive(self) -> bool:
        """Return True: the broker has no threads of its own."""
        return True

    def parked(self, queue_name: str) -> ParkedInRabbitmq:
        """Return a queue's parked messages."""
        return ParkedInRabbitmq(self.parameters, queue_name)

    def reconnect_consumer(self) -> None:
        """Make the consumer reconnect, from any thread; its unacknowledged messages are requeued."""
        connection = self.consuming
        if connection is not None:
            cut_connection(connection)

    def abort(self) -> None:
        """Cut the publishing connection from another thread: a call blocked on it fails."""
        with self._connection_lock:
            if self._connection is not None:
                cut_connection(self._connection)

    def close(self) -> None:
        """Close the publishing connection; consumers close theirs."""
        connection = self._take_connection()
        if connection is not None:
            with suppress(*LOST), deadlines.within(CONNECT_TIMEOUT, lambda: cut_connection(connection)):
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
            # No graceful close: that waits for an answer, and a missing answer is why we are here.
            cut_connection(connection)
            with suppress(*LOST):
                connection.close()

    def _take_connection(self) -> pika.BlockingConnection | None:
        with self._connection_lock:
            connection, self._connection = self._connection, None
        self._publishing = None
        return connection
