"""Parked messages in RabbitMQ: a separate quorum queue with the original messages and extra headers."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from copy import copy
from datetime import datetime

import pika
from pika.adapters.blocking_connection import BlockingChannel
from pika.exceptions import ChannelClosedByBroker

from runtime.deadlines import deadlines
from workers.queue.envelope import actor_of
from workers.queue.parking import Parked
from workers.queue.publisher import QueueAwayError
from workers.queue.rabbitmq_connection import CONNECT_TIMEOUT, LOST, PERSISTENT, cut_connection, declare, parked_name
from workers.queue.unreadable import Unreadable

_REASON, _PARKED_AT = "x-rollcall-reason", "x-rollcall-parked-at"
_NOT_FOUND = 404
# Seconds per message.
_DEADLINE = 30.0


def parked_properties(properties: pika.BasicProperties, reason: Unreadable, now: datetime) -> pika.BasicProperties:
    """Return a message's properties with the reason and time of parking."""
    marked = copy(properties)
    marked.headers = {**(properties.headers or {}), _REASON: reason.value, _PARKED_AT: now.isoformat()}
    marked.delivery_mode = PERSISTENT
    # It must not expire, nor be rejected because of a user id in it.
    marked.expiration = marked.user_id = None
    return marked


class ParkedInRabbitmq:
    """See `workers.queue.parking.ParkedMessages`. Connects when it is first used.

    Listed messages stay unacknowledged on this connection, invisible to others, until it is closed.
    """

    def __init__(self, parameters: Sequence[pika.URLParameters], queue_name: str) -> None:
        self._parameters = parameters
        self._queue_name = queue_name
        self._connection: pika.BlockingConnection | None = None
        self._channel: BlockingChannel | None = None
        self._properties: dict[int, pika.BasicProperties] = {}

    def count(self) -> int:
        """Return the number of parked messages, except those listed on open connections."""
        with self._reached() as connection:
            channel = connection.channel()
            try:
                count = channel.queue_declare(parked_name(self._queue_name), passive=True).method.message_count
            except ChannelClosedByBroker as error:
                if error.reply_code == _NOT_FOUND:  # nothing has ever been parked
                    return 0
                raise
            channel.close()
            return int(count)

    def look(self, most_bytes: int | None = None) -> Iterator[Parked]:
        """Return the parked messages, oldest first, always with their bodies."""
        del most_bytes
        for _ in range(self.count()):
            with self._reached() as connection:
                if self._channel is None:
                    self._channel = connection.channel()
                    self._channel.confirm_delivery()
                method, properties, body = self._channel.basic_get(parked_name(self._queue_name))
            if method is None or properties is None or body is None:
                return
            self._properties[method.delivery_tag] = properties
            yield _parked(method.delivery_tag, properties, body)

    def take_back(self, parked: Sequence[Parked]) -> None:
        """Requeue messages; each is confirmed there before it is removed here."""
        with self._reached():
            if self._channel is None:
                return
            for one in parked:
                declare(self._channel, self._queue_name)
                properties = _unmarked(self._properties.pop(one.place))
                self._channel.basic_publish("", self._queue_name, one.body or b"", properties, mandatory=True)
                self._channel.basic_ack(one.place)

    def remove(self, parked: Sequence[Parked]) -> None:
        """Delete messages."""
        with self._reached():
            if self._channel is None:
                return
            for one in parked:
                self._properties.pop(one.place)
                self._channel.basic_ack(one.place)

    def close(self) -> None:
        """Close the connection and release the listed messages."""
        connection, self._connection, self._channel = self._connection, None, None
        self._properties.clear()
        if connection is not None:
            with suppress(*LOST), deadlines.within(CONNECT_TIMEOUT, lambda: cut_connection(connection)):
                connection.close()

    @contextmanager
    def _reached(self) -> Iterator[pika.BlockingConnection]:
        try:
            if self._connection is None:
                self._connection = pika.BlockingConnection(self._parameters)
            connection = self._connection
            with deadlines.within(_DEADLINE, lambda: cut_connection(connection)):
                yield connection
        except LOST as error:
            self.close()
            raise QueueAwayError(f"The parked messages in RabbitMQ can't be reached: {type(error).__name__}.") from None


def _parked(tag: int, properties: pika.BasicProperties, body: bytes) -> Parked:
    headers = properties.headers or {}
    return Parked(
        id=properties.message_id,
        parked_at=_time(headers.get(_PARKED_AT)),
        actor=actor_of(body),
        size=len(body),
        reason=str(headers.get(_REASON, "unknown")),
        body=body,
        place=tag,
    )


def _time(text: object) -> datetime | None:
    # Anyone may publish to this queue.
    try:
        return datetime.fromisoformat(str(text))
    except ValueError:
        return None


def _unmarked(properties: pika.BasicProperties) -> pika.BasicProperties:
    plain = copy(properties)
    headers = {name: value for name, value in (properties.headers or {}).items() if name not in {_REASON, _PARKED_AT}}
    plain.headers = headers or None
    return plain
