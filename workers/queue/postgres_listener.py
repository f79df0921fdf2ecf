"""The connection that is notified of new messages and wakes this process's consumers."""

from typing import Any

import psycopg
from dramatiq_postgres.broker import Notifier

from runtime.connections import connect, cut_connection
from runtime.deadlines import deadlines
from workers.queue.postgres_statements import STATEMENT_DEADLINE


class Listener(Notifier):
    """Wakes consumers when a message is published. Only an optimization: they poll once a second anyway."""

    def __init__(self, url: str) -> None:
        super().__init__(pool=None)
        self._url = url

    def ensure_conn(self) -> psycopg.Connection[Any]:
        """Return the listening connection, subscribed to the consumers' channels."""
        if self.conn is None:
            self.conn = connect(self._url, name="rollcall worker (listens)")
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
