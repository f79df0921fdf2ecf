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
from collections.abc import Callable
from typing import Any

import psycopg
from dramatiq import Message
from dramatiq_postgres.broker import PostgresBroker
from psycopg_pool import ConnectionPool

from runtime.connections import connect, cut_connection
from runtime.deadlines import deadlines
from runtime.error_message import message_without_values
from runtime.liveness import DEAD_AFTER
from workers.queue.acknowledgement import (
    Acknowledgement,
)
from workers.queue.postgres_away import queue_away
from workers.queue.postgres_consumer import PostgresQueueConsumer
from workers.queue.postgres_listener import Listener
from workers.queue.postgres_parking import ParkedInPostgres
from workers.queue.postgres_statements import (
    ENQUEUE,
    SCHEMA,
    STATEMENT_DEADLINE,
    WAITING,
)
from workers.queue.publisher import QueueAwayError, QueueRefusesError
from workers.queue.unreadable import Unreadable


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

    def consume(self, queue_name: str, prefetch: int = 1, timeout: int = 30000) -> PostgresQueueConsumer:
        """Return a consumer of the queue."""
        return PostgresQueueConsumer(broker=self, queue_name=queue_name, prefetch=prefetch, timeout=timeout)

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
            says = message_without_values(error, [values[2].encode()]).removesuffix(".")
            raise QueueAwayError(f"The queue in Postgres did not take a message: {says}.") from None
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
            raise queue_away(error) from None

    def waiting(self, queue_name: str) -> int:
        """Return the number of messages waiting for a worker. For the publishing thread.

        Raises:
            QueueAwayError: the server is away.
        """
        try:
            row = self._publishing_connection().execute(WAITING, (queue_name,), prepare=True).fetchone()
        except psycopg.Error as error:
            self._drop_publishing()
            raise queue_away(error) from None
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
                raise queue_away(error) from None

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
