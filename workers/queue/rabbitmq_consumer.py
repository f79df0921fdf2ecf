"""The consumer of a queue in RabbitMQ.

- A message is acknowledged on the channel that delivered it, or not at all: tags count from 1 on every channel, so
  after a reconnect Dramatiq's own consumer may acknowledge the wrong message.
- A message moved elsewhere (to the end of the queue, or to the parked messages) is confirmed there before it is
  acknowledged here: in between it is in two places, never in none.
- If the broker cancels the consumer (its queue was deleted) or closes the channel or the connection, this consumer
  ends, and Dramatiq creates a new one a few seconds later.
- If a queue is deleted and redeclared at once, the broker may keep the consumer without notifying it. It then counts
  messages as delivered that never arrive, which AMQP can't detect. So a consumer that has received nothing for a while
  opens a new channel, and the lost messages are redelivered on it.
"""

import time
from contextlib import suppress
from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING, Any

import pika
import structlog
from dramatiq import Message, MessageProxy
from dramatiq.brokers.rabbitmq import _RabbitmqConsumer
from pika.adapters.blocking_connection import BlockingChannel
from pika.exceptions import AMQPConnectionError, AMQPError

from runtime.deadlines import deadlines
from workers.queue.acknowledgement import (
    RETURN_PAUSE,
    is_committed,
    log_not_parked,
    log_parked,
    log_returned,
    why_unreadable,
)
from workers.queue.envelope import read_message
from workers.queue.publisher import QueueAwayError
from workers.queue.rabbitmq_connection import LOST, cut_connection, declare, parked_name
from workers.queue.rabbitmq_parking import parked_properties
from workers.queue.unreadable import Unreadable, UnreadableError

if TYPE_CHECKING:
    from workers.queue.rabbitmq import RabbitmqQueue

# Seconds without a message before an idle consumer opens a new channel, which takes a few milliseconds.
RENEW_AFTER = 10.0
# Seconds for sending what was decided, before the connection is cut.
_CLOSE_DEADLINE = 5.0

_log = structlog.get_logger(__name__)


class _Received(MessageProxy):
    """A message, its channel, and its raw data."""

    def __init__(
        self, message: Message[Any], channel: BlockingChannel, tag: int, properties: pika.BasicProperties, body: bytes
    ) -> None:
        super().__init__(message)
        self.channel = channel
        self.tag = tag
        self.properties = properties
        self.body = body


class RabbitmqConsumer(_RabbitmqConsumer):
    """Receives messages in the consumer's thread, which also sends the acknowledgements of the workers' threads."""

    def __init__(self, broker: "RabbitmqQueue", queue_name: str, prefetch: int, timeout: int) -> None:
        self.broker = broker
        self.queue_name = queue_name
        self.logger = broker.logger
        self._prefetch = prefetch
        self._inactivity = timeout / 1000
        self._parking: BlockingChannel | None = None
        try:
            self.connection = broker.consuming = pika.BlockingConnection(broker.parameters)
        except LOST as error:
            raise QueueAwayError(f"RabbitMQ does not accept the connection: {type(error).__name__}.") from None
        try:
            self._returns = self.connection.channel()
            declare(self._returns, queue_name)
            self._returns.confirm_delivery()
            self._begin()
        except LOST as error:
            cut_connection(self.connection)
            raise QueueAwayError(f"RabbitMQ does not accept the consumer: {type(error).__name__}.") from None
        except QueueAwayError:
            cut_connection(self.connection)
            raise

    def _begin(self) -> None:
        self.channel = self.connection.channel()
        self.channel.basic_qos(prefetch_count=self._prefetch)
        self.iterator = self.channel.consume(self.queue_name, inactivity_timeout=self._inactivity)
        # Of this channel: an earlier one's messages are in the queue again.
        self._held: set[int] = set()
        self.broker.held = self._held
        self._last_came = time.monotonic()

    def __next__(self) -> MessageProxy | None:
        try:
            if not self._held and time.monotonic() - self._last_came > RENEW_AFTER:
                self.channel.close()
                self._begin()
            method, properties, body = next(self.iterator)
        except StopIteration:
            raise QueueAwayError("RabbitMQ has cancelled the consumer: its queue was deleted or is moving.") from None
        except (*LOST, AssertionError) as error:
            raise QueueAwayError(f"RabbitMQ has closed the consumer: {type(error).__name__}.") from None
        if method is None or properties is None or body is None:
            return None
        self._last_came = time.monotonic()
        tag = method.delivery_tag
        self.broker.received += 1
        self._held.add(tag)
        try:
            message = read_message(body, self.broker.actors)
        except UnreadableError as error:
            self._park(error.reason, tag, properties, body)
            return None
        return _Received(message, self.channel, tag, properties, body)

    def ack(self, message: MessageProxy) -> None:
        """Acknowledge a committed message, park an unreadable one, and requeue any other."""
        if message.channel is not self.channel:
            return  # its channel is gone, so RabbitMQ has requeued the message
        if is_committed(message):
            decide = partial(self._ack, message.tag)
        elif reason := why_unreadable(message):
            decide = partial(self._park, reason, message.tag, message.properties, message.body)
        else:
            log_returned(message)
            pause = 0.0 if self.broker.stopping.is_set() else RETURN_PAUSE
            decide = partial(self._return_after, pause, message.tag, message.properties, message.body)
        # If the connection has closed meanwhile, the message is requeued as well.
        with suppress(AMQPError):
            self.connection.add_callback_threadsafe(decide)

    nack = ack

    def close(self) -> None:
        """Send pending acknowledgements and close; unacknowledged messages are requeued."""
        try:
            with deadlines.within(_CLOSE_DEADLINE, lambda: cut_connection(self.connection)):
                super().close()
        except Exception as error:  # noqa: BLE001 - any other error would kill Dramatiq's thread
            _log.debug("consumer_close_failed", error=type(error).__name__)
            cut_connection(self.connection)

    def _ack(self, tag: int) -> None:
        self.channel.basic_ack(tag)
        self._held.discard(tag)

    def _return_after(self, pause: float, tag: int, properties: pika.BasicProperties, body: bytes) -> None:
        self.connection.call_later(pause, partial(self._to_the_end, tag, properties, body))

    def _to_the_end(self, tag: int, properties: pika.BasicProperties, body: bytes) -> None:
        # A rejected message would go to the head of a quorum queue, and a few of them would block all others.
        self._returns.basic_publish("", self.queue_name, body, properties, mandatory=True)
        self._ack(tag)

    def _park(self, reason: Unreadable, tag: int, properties: pika.BasicProperties, body: bytes) -> None:
        marked = parked_properties(properties, reason, datetime.now(UTC))
        try:
            if self._parking is None:
                self._parking = self.connection.channel()
                declare(self._parking, parked_name(self.queue_name))
                self._parking.confirm_delivery()
            self._parking.basic_publish("", parked_name(self.queue_name), body, marked, mandatory=True)
        except AMQPConnectionError as error:
            raise QueueAwayError(f"RabbitMQ did not accept a message to be parked: {type(error).__name__}.") from None
        except (AMQPError, QueueAwayError) as error:
            # Only the channel is lost: no permission to declare the queue or publish to it, or it was deleted.
            self._drop_parking()
            log_not_parked(1, error)
            self.broker.on_unreadable()
            self._return_after(RETURN_PAUSE, tag, properties, body)
        else:
            self._ack(tag)
            log_parked(properties.message_id, reason)
            self.broker.on_parked(reason)

    def _drop_parking(self) -> None:
        channel, self._parking = self._parking, None
        if channel is not None and channel.is_open:
            with suppress(AMQPError):
                channel.close()
