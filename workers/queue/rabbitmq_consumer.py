"""The consumer of a queue in RabbitMQ.

- A message is acknowledged on the channel that delivered it, or not at all: tags count from 1 on every channel, so
  after a reconnect Dramatiq's own consumer may acknowledge another message than it means.
- What leaves the queue for another place (its own end, or the queue of parked messages) is confirmed there before it is
  acknowledged here: in between it is in two places, never in none.
- Whatever the broker ends (the consumer as its queue is deleted, a channel, the connection) ends the consumer, and
  Dramatiq makes a new one a few seconds later.
- A queue that is deleted and declared again at once may keep the consumer without telling it: the broker then counts
  messages as delivered that never arrive, and no figure that AMQP shows gives that away. So a consumer to which nothing
  has come for a while opens a new channel. What was meant for the old one comes on the new one.
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
from workers.queue.rabbitmq_connection import CONNECT_TIMEOUT, LOST, cut_connection, declare, parked_name
from workers.queue.rabbitmq_parking import parked_properties
from workers.queue.unreadable import Unreadable, UnreadableError

if TYPE_CHECKING:
    from workers.queue.rabbitmq import RabbitmqQueue

# Seconds without a message before a consumer with empty hands opens a new channel; it takes a few milliseconds.
RENEW_AFTER = 10.0

_log = structlog.get_logger(__name__)


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


class RabbitmqConsumer(_RabbitmqConsumer):
    """Receives messages in the consumer's thread; what the workers' threads decide is sent from there too."""

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
            raise QueueAwayError(f"RabbitMQ does not let us in: {type(error).__name__}.") from None
        try:
            self._returns = self.connection.channel()
            declare(self._returns, queue_name)
            self._returns.confirm_delivery()
            self._begin()
        except LOST as error:
            cut_connection(self.connection)
            raise QueueAwayError(f"RabbitMQ does not let us consume: {type(error).__name__}.") from None
        except QueueAwayError:
            cut_connection(self.connection)
            raise

    def _begin(self) -> None:
        self.channel = self.connection.channel()
        self.channel.basic_qos(prefetch_count=self._prefetch)
        self.iterator = self.channel.consume(self.queue_name, inactivity_timeout=self._inactivity)
        # Of this channel: what an earlier one had in hand is in the queue again.
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
            raise QueueAwayError("RabbitMQ has cancelled the consumer: its queue was deleted, or moves.") from None
        except (*LOST, AssertionError) as error:
            raise QueueAwayError(f"RabbitMQ has ended the consumer: {type(error).__name__}.") from None
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
        """Take a message out of the queue if it has committed, park it if it can't be read; else put it back."""
        if message.channel is not self.channel:
            return  # its channel is gone, and with it RabbitMQ has queued the message again
        if is_committed(message):
            decide = partial(self._ack, message.tag)
        elif reason := why_unreadable(message):
            decide = partial(self._park, reason, message.tag, message.properties, message.body)
        else:
            log_returned(message)
            pause = 0.0 if self.broker.stopping.is_set() else RETURN_PAUSE
            decide = partial(self._return_after, pause, message.tag, message.properties, message.body)
        # A connection that is closed by now has given the message back as well.
        with suppress(AMQPError):
            self.connection.add_callback_threadsafe(decide)

    nack = ack

    def close(self) -> None:
        """Send what was decided, then close; whatever is not acknowledged goes back to the queue."""
        try:
            with deadlines.within(CONNECT_TIMEOUT, lambda: cut_connection(self.connection)):
                super().close()
        except Exception as error:  # noqa: BLE001 - Dramatiq's thread would die of anything else
            _log.debug("consumer_close_failed", error=type(error).__name__)
            cut_connection(self.connection)

    def _ack(self, tag: int) -> None:
        self.channel.basic_ack(tag)
        self._held.discard(tag)

    def _return_after(self, pause: float, tag: int, properties: pika.BasicProperties, body: bytes) -> None:
        self.connection.call_later(pause, partial(self._to_the_end, tag, properties, body))

    def _to_the_end(self, tag: int, properties: pika.BasicProperties, body: bytes) -> None:
        # A rejected message would go to the head of a quorum queue, and a handful of them would hold up all others.
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
            raise QueueAwayError(f"RabbitMQ did not take a message to be parked: {type(error).__name__}.") from None
        except (AMQPError, QueueAwayError) as error:
            # The channel alone is lost: no right to declare the queue or to publish to it, or it was deleted.
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
