"""The one connection that hears of new messages and wakes the consumers of this process.

Through a pooler in transaction mode it would hear nothing, and the next user of the server's session would.
"""

from contextlib import suppress
from typing import Any

import psycopg
import structlog
from dramatiq_postgres.broker import Notifier

from runtime.connections import connect, cut_connection
from runtime.deadlines import deadlines
from runtime.poolers import lends_for_a_transaction
from runtime.session import Session
from workers.queue.postgres_statements import STATEMENT_DEADLINE

_LOOKS = "rollcall worker (looks for a pooler)"

_log = structlog.get_logger(__name__)


class NotThroughPoolerError(Exception):
    """The queue in Postgres is behind a pooler in transaction mode, where a worker can't hear of messages."""

    def __init__(self) -> None:
        super().__init__(
            "The queue in Postgres is behind a pooler in transaction mode, and a worker can't listen there (LISTEN). "
            "Let BROKER_URL lead to the server itself or to a pooler in session mode, or name a RabbitMQ; DATABASE_URL "
            "may stay as it is."
        )


def require_listening(url: str) -> None:
    """Return if a worker can listen at `url`, or if the server is away.

    Raises:
        NotThroughPoolerError: a pooler in transaction mode is in between.
    """
    with suppress(psycopg.Error):
        if lends_for_a_transaction(url, name=_LOOKS):
            raise NotThroughPoolerError


class Listener(Notifier):
    """Wakes consumers when a message is published. Only an optimization: they poll once a second anyway."""

    def __init__(self, url: str) -> None:
        super().__init__(pool=None)
        self._url = url
        self.conn: Session | None = None

    def ensure_conn(self) -> psycopg.Connection[Any]:
        """Return the listening connection, subscribed to the consumers' channels."""
        if self.conn is None:
            self.conn = connect(self._url, name="rollcall worker (listens)")
            if self.conn.is_shared and lends_for_a_transaction(self._url, name=_LOOKS):
                # The server was away when the worker began. It does not listen, and looks once a second.
                _log.critical("queue_behind_pooler", says=str(NotThroughPoolerError()))
                self.stopping.set()
                return self.conn
            self.dirty.set()
        if self.dirty.is_set():
            self.dirty.clear()
            with self.lock:
                channels = list(self.subscriptions)
            connection = self.conn
            with deadlines.within(STATEMENT_DEADLINE, lambda: cut_connection(connection)):
                self.conn.execute("UNLISTEN *")
                for channel in channels:
                    self.conn.execute(psycopg.sql.SQL("LISTEN {}").format(psycopg.sql.Identifier(channel)))
        return self.conn

    def stop(self) -> None:
        """Stop the thread and close its connection."""
        super().stop()
        connection = self.conn
        if connection is not None:
            cut_connection(connection)
        if self.is_alive():
            self.join(STATEMENT_DEADLINE)

    def drop_conn(self) -> None:
        """Close the listening connection."""
        if self.conn is not None:
            self.conn.close()
            self.conn = None
