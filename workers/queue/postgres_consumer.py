"""The consumer of the queue in Postgres: claims messages, acknowledges, requeues and parks them."""

import time
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

import psycopg
from dramatiq import MessageProxy
from dramatiq_postgres.broker import PostgresConsumer

from runtime.connections import connect, cut_connection
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
from workers.queue.message import MOST_TEXT
from workers.queue.postgres_away import queue_away
from workers.queue.postgres_statements import ACK, CLAIM, PARK, RETURN, RETURN_LOST, STATEMENT_DEADLINE
from workers.queue.publisher import QueueAwayError, QueueRefusesError
from workers.queue.unreadable import Unreadable, UnreadableError

if TYPE_CHECKING:
    from workers.queue.postgres import PostgresQueue


class PostgresQueueConsumer(PostgresConsumer):
    """Claims messages in the consumer's thread; acknowledges and returns them from the workers' threads."""

    def __init__(self, *, broker: "PostgresQueue", queue_name: str, prefetch: int, timeout: int) -> None:
        super().__init__(broker=broker, queue_name=queue_name, prefetch=prefetch, timeout=timeout)
        self.broker = broker
        # The broker's, not this consumer's: after an error Dramatiq creates a new consumer while the workers
        # still hold messages of the old one.
        self.in_processing = broker.held
        self._lost_claims_due = 0.0

    def __next__(self) -> MessageProxy | None:
        connection = self.get_consume_conn()
        try:
            with deadlines.within(STATEMENT_DEADLINE, lambda: cut_connection(connection)):
                if time.monotonic() >= self._lost_claims_due:
                    self.broker.maybe_heartbeat(connection)
                    self._return_lost_claims(connection)
                message: MessageProxy | None = super().__next__()
        except psycopg.Error as error:
            raise queue_away(error) from None
        return message

    def claim(self, limit: int) -> None:
        """Claim up to `limit` messages. Unreadable ones are parked; the others are processed."""
        values = (self.queue_name, limit, self.broker.worker_id, MOST_TEXT)
        unreadable: dict[str, Unreadable] = {}
        for message_id, text in self.get_consume_conn().execute(CLAIM, values, prepare=True).fetchall():
            self.broker.received += 1
            try:
                self.buffer.append(read_message(text, self.broker.actors, message_id))
            except UnreadableError as error:
                unreadable[message_id] = error.reason
        if unreadable:
            self._park(unreadable)

    def ack(self, message: MessageProxy) -> None:
        """Remove a committed message from the queue, park an unreadable one, and requeue any other."""
        try:
            if is_committed(message):
                self.broker.answer(ACK, (message.message_id,))
            elif reason := why_unreadable(message):
                self._park({message.message_id: reason})
            else:
                log_returned(message)
                pause = 0.0 if self.broker.stopping.is_set() else RETURN_PAUSE
                self.broker.answer(RETURN, (pause, [message.message_id], self.broker.worker_id))
        except QueueAwayError:
            raise  # Dramatiq retries; until then we hold the message
        except BaseException:
            self._let_go(message)
            raise
        self._let_go(message)

    nack = ack

    def requeue(self, messages: Iterable[MessageProxy]) -> None:
        """Requeue claimed messages that were not started, at once."""
        ids = [message.message_id for message in messages]
        if ids:
            self.broker.answer(RETURN, (0.0, ids, self.broker.worker_id))
            self.broker.held.difference_update(ids)

    def close(self) -> None:
        """Close the connection. The next consumer requeues messages that were claimed but not handed on."""
        self.broker.notifier.unsubscribe(self.channel, self.wakeup)
        if self._consume_conn is not None:
            self._consume_conn.close()
            self._consume_conn = None
        if self.broker.stopping.is_set():
            self.requeue([MessageProxy(message) for message in self.buffer])

    def get_consume_conn(self) -> psycopg.Connection[Any]:
        """Return this consumer's connection, opened on first use.

        Raises:
            QueueAwayError: the server is away.
        """
        if self._consume_conn is None:
            try:
                self._consume_conn = connect(self.broker.url, name="rollcall worker (claims)", durable=False)
            except psycopg.Error as error:
                raise queue_away(error) from None
            self.broker.consuming = self._consume_conn
        return self._consume_conn

    def _park(self, unreadable: Mapping[str, Unreadable]) -> None:
        ids, reasons = list(unreadable), list(unreadable.values())
        try:
            self.broker.answer(PARK, (ids, reasons, self.broker.worker_id))
        except QueueRefusesError as error:
            log_not_parked(len(ids), error)
            self.broker.on_unreadable()
            self.broker.answer(RETURN, (RETURN_PAUSE, ids, self.broker.worker_id))
        else:
            for message_id, reason in unreadable.items():
                log_parked(message_id, reason)
                self.broker.on_parked(reason)

    def _return_lost_claims(self, connection: psycopg.Connection[Any]) -> None:
        in_hand = [*self.broker.held, *(message.message_id for message in self.buffer)]
        connection.execute(RETURN_LOST, (self.broker.worker_id, in_hand), prepare=True)
        self._lost_claims_due = time.monotonic() + self.broker.heartbeat_interval

    def _let_go(self, message: MessageProxy) -> None:
        self.broker.held.discard(message.message_id)
        self.wakeup.set()
