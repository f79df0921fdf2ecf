"""Postgres as the queue: dramatiq-postgres, fixed where it could lose or delay a message.

- A killed worker's claimed messages are requeued within 40 seconds (the library's defaults take over a minute).
- Messages that a running worker claimed and lost with its connection are requeued too: any message claimed under this
  worker's id that it does not hold.
- Nothing is purged or rejected; uncommitted messages are requeued, unreadable ones parked
  (`workers.queue.acknowledgement`).
- A message is identified by its row's id, whatever id it contains.
- `enqueue` is one statement, tried once: the receiver has a deadline, and a spool for failures.
- It opens its own connections, with deadlines: the library's pool retries for minutes inside a call.
"""

import threading
import time
from collections.abc import Callable, Iterable, Mapping
from typing import Any, NoReturn

import psycopg
from dramatiq import Message, MessageProxy
from dramatiq_postgres.broker import PostgresBroker, PostgresConsumer
from psycopg_pool import ConnectionPool

from runtime.connections import connect, cut_connection
from runtime.deadlines import deadlines
from runtime.error_message import message_without_values
from runtime.liveness import DEAD_AFTER
from workers.queue.acknowledgement import (
    RETURN_PAUSE,
    Acknowledgement,
    is_committed,
    log_not_parked,
    log_parked,
    log_returned,
    why_unreadable,
)
from workers.queue.envelope import read_message
from workers.queue.message import MOST_TEXT
from workers.queue.postgres_listener import Listener
from workers.queue.postgres_parking import ParkedInPostgres
from workers.queue.postgres_statements import (
    ACK,
    CLAIM,
    ENQUEUE,
    PARK,
    RETURN,
    RETURN_LOST,
    SCHEMA,
    STATEMENT_DEADLINE,
    WAITING,
)
from workers.queue.publisher import QueueAwayError, QueueRefusesError
from workers.queue.unreadable import Unreadable, UnreadableError


class PostgresQueue(PostgresBroker):
    """The queue in Postgres, for publishers and consumers.

    Only one thread may publish, on one persistent connection. Any other thread may cut it with `abort`.
    """

    def __init__(self, url: str, dead_after: float = DEAD_AFTER) -> None:
        super().__init__(
            pool=ConnectionPool(open=False),  # never opened: we open all connections ourselves
            results=False,
            schema=SCHEMA,
            heartbeat_interval=dead_after / 4,
            heartbeat_ttl=dead_after,
            maintenance_interval=dead_after / 2,
            purge_maxage=None,
            middleware=[Acknowledgement()],
        )
        self.url = url
        self.notifier: Listener = Listener(url)
        self.stopping = threading.Event()
        self.on_parked: Callable[[Unreadable], None] = lambda _reason: None
        self.on_unreadable: Callable[[], None] = lambda: None
        self.held: set[str] = set()
        self.received = 0
        self.consuming: psycopg.Connection[Any] | None = None
        self._publishing: psycopg.Connection[Any] | None = None
        self._publishing_lock = threading.Lock()
        self._answers: psycopg.Connection[Any] | None = None
        self._answers_lock = threading.Lock()

    def declare_queue(self, queue_name: str) -> None:
        """Declare a queue, without a delay queue: nothing is delayed."""
        if queue_name not in self.queues:
            self.emit_before("declare_queue", queue_name)
            self.queues[queue_name] = True
            self.emit_after("declare_queue", queue_name)

    def consume(self, queue_name: str, prefetch: int = 1, timeout: int = 30000) -> "_Consumer":
        """Return a consumer of the queue."""
        return _Consumer(broker=self, queue_name=queue_name, prefetch=prefetch, timeout=timeout)

    def enqueue(  # type: ignore[override]  # the library's version retries
        self, message: Message[Any], *, delay: int | None = None
    ) -> Message[Any]:
        """Publish a message in one attempt; return once it is committed.

        Raises:
            QueueAwayError: it may or may not be in the queue.
        """
        if delay is not None:
            raise NotImplementedError("This queue does not support delays; publish without one.")
        queue_name = message.queue_name
        values = (queue_name, message.message_id, message.encode().decode(), f"dramatiq.{queue_name}.enqueue")
        try:
            self._publishing_connection().execute(ENQUEUE, values, prepare=True)
        except psycopg.Error as error:
            self._drop_publishing()
            # A user's trigger may quote the message, which contains bodies.
            says = message_without_values(error, [values[2].encode()])
            raise QueueAwayError(f"The queue in Postgres did not take a message: {_ended(says)}") from None
        return message

    def keep_alive(self) -> None:
        """Open the publishing connection if it is closed, else check that it still answers.

        Raises:
            QueueAwayError: the server is away.
        """
        try:
            self._publishing_connection().execute("SELECT 1", prepare=True)
        except psycopg.Error as error:
            self._drop_publishing()
            raise QueueAwayError(
                f"The queue in Postgres does not answer: {_ended(message_without_values(error))}"
            ) from None

    def waiting(self, queue_name: str) -> int:
        """Return the number of messages waiting for a worker. For the publishing thread.

        Raises:
            QueueAwayError: the server is away.
        """
        try:
            row = self._publishing_connection().execute(WAITING, (queue_name,), prepare=True).fetchone()
        except psycopg.Error as error:
            self._drop_publishing()
            raise QueueAwayError(
                f"The queue in Postgres does not answer: {_ended(message_without_values(error))}"
            ) from None
        return int(row[0]) if row else 0

    def is_alive(self) -> bool:
        """Return whether the listening thread is alive or has not been needed yet."""
        return not self.notifier.started_once or self.notifier.is_alive()

    def parked(self, queue_name: str) -> ParkedInPostgres:
        """Return a queue's parked messages."""
        return ParkedInPostgres(self.url, queue_name)

    def reconnect_consumer(self) -> None:
        """Make the consumer reconnect, from any thread. Call it while no message is being processed.

        All messages claimed under this worker's id are requeued.
        """
        self.held.clear()
        connection = self.consuming
        if connection is not None:
            cut_connection(connection)

    def abort(self) -> None:
        """Cut the publishing connection from another thread: a call blocked on it fails."""
        with self._publishing_lock:
            if self._publishing is not None:
                cut_connection(self._publishing)

    def close(self) -> None:
        """Close every connection; messages that this worker claimed but did not commit are requeued."""
        super().close()
        self._drop_publishing()
        with self._answers_lock:
            if self._answers is not None:
                self._answers.close()
                self._answers = None

    def answer(self, statement: str, values: tuple[Any, ...]) -> None:
        """Run a statement about claimed messages, from any thread, on a separate connection.

        Raises:
            QueueAwayError: the server is away; Dramatiq retries.
            QueueRefusesError: a table is missing, or the user lacks a privilege.
        """
        with self._answers_lock:
            try:
                if self._answers is None or self._answers.closed:
                    self._answers = connect(self.url, name="rollcall worker (queue)", durable=False)
                connection = self._answers
                with deadlines.within(STATEMENT_DEADLINE, lambda: cut_connection(connection)):
                    connection.execute(statement, values, prepare=True)
            except psycopg.ProgrammingError as error:
                raise QueueRefusesError(
                    f"The queue in Postgres refuses a statement ({type(error).__name__}): run `rollcall migrate`, "
                    "and grant the worker's user all privileges on the schema's tables."
                ) from None
            except psycopg.Error as error:
                if self._answers is not None:
                    self._answers.close()
                _closed(error)

    def _publishing_connection(self) -> psycopg.Connection[Any]:
        connection = self._publishing
        if connection is None:
            connection = connect(self.url, name="rollcall (publishes)", connect_timeout=2)
            with self._publishing_lock:
                self._publishing = connection
        return connection

    def _drop_publishing(self) -> None:
        with self._publishing_lock:
            connection, self._publishing = self._publishing, None
        if connection is not None:
            connection.close()


class _Consumer(PostgresConsumer):
    """Claims messages in the consumer's thread; acknowledges and returns them from the workers' threads."""

    def __init__(self, *, broker: PostgresQueue, queue_name: str, prefetch: int, timeout: int) -> None:
        super().__init__(broker=broker, queue_name=queue_name, prefetch=prefetch, timeout=timeout)
        self.broker: PostgresQueue = broker
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
            _closed(error)
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
                _closed(error)
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


def _closed(error: psycopg.Error) -> NoReturn:
    # Not the error's own text: the server may quote a statement's values, which contain bodies.
    raise QueueAwayError(f"The queue in Postgres does not answer: {_ended(message_without_values(error))}") from None


def _ended(sentence: str) -> str:
    return sentence if sentence.endswith(".") else f"{sentence}."
