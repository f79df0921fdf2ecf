"""Server settings of a connection: set once if the session is ours alone, else in each transaction.

A pooler shares the server's sessions between clients. A session setting would leak to the next client, and would be
missing from the next session we get.
"""

from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from typing import Any, LiteralString

import psycopg
from psycopg import sql
from psycopg.pq import TransactionStatus

_FIRST_WITH_TRANSACTION_TIMEOUT = 170000

# Meaningless within a transaction, or for the pooler's connection to the server.
_OF_A_SESSION = {
    "idle_session_timeout",
    "tcp_keepalives_idle",
    "tcp_keepalives_interval",
    "tcp_keepalives_count",
    "tcp_user_timeout",
}


def session_settings(server_version: int, let_go_after: float) -> dict[str, str]:
    """Return the settings that every connection needs.

    Args:
        server_version: as libpq reports it, 150004 for 15.4.
        let_go_after: seconds a transaction may idle before the server ends it: this process is frozen or its host
            is gone, and its locks block the worker that takes over.
    """
    settings = {
        # Timeouts set on the role or the database are meant for interactive queries; we have our own deadlines.
        "statement_timeout": "0",
        "lock_timeout": "0",
        "idle_session_timeout": "0",
        "idle_in_transaction_session_timeout": f"{let_go_after * 1000:.0f}ms",
        "tcp_keepalives_idle": "5",
        "tcp_keepalives_interval": "2",
        "tcp_keepalives_count": "3",
        "tcp_user_timeout": "10s",
    }
    if server_version >= _FIRST_WITH_TRANSACTION_TIMEOUT:
        settings["transaction_timeout"] = "0"
    return settings


class Session(psycopg.Connection[tuple[Any, ...]]):
    """A connection that keeps its settings even if the server's session is shared. Autocommit only."""

    _of_each_transaction: sql.Composed | None = None

    def set_up(self, settings: Mapping[str, str], *, is_shared: bool) -> None:
        """Apply the settings in one round trip: now, or in each transaction if the session `is_shared`."""
        if is_shared:
            local = {name: value for name, value in settings.items() if name not in _OF_A_SESSION}
            self._of_each_transaction = _set("SET LOCAL", local)
            # Prepared statements belong to the session, too.
            self.prepare_threshold = None
        else:
            self.execute(_set("SET", settings))

    def execute(self, query: Any, params: Any = None, **options: Any) -> psycopg.Cursor[tuple[Any, ...]]:
        """Execute a statement as psycopg does; outside a transaction it runs in a new one."""
        if self._of_each_transaction is None or self.pgconn.transaction_status != TransactionStatus.IDLE:
            return super().execute(query, params, **options)
        with self.transaction():
            return super().execute(query, params, **options)

    def transaction(  # type: ignore[override]  # psycopg's signature is wider than needed
        self, *arguments: Any, **options: Any
    ) -> AbstractContextManager[psycopg.Transaction]:
        """Begin a transaction as psycopg does."""
        begun = super().transaction(*arguments, **options)
        if self._of_each_transaction is None or self.pgconn.transaction_status != TransactionStatus.IDLE:
            return begun
        return self._with_settings(begun)

    @contextmanager
    def _with_settings(self, begun: AbstractContextManager[psycopg.Transaction]) -> Iterator[psycopg.Transaction]:
        with begun as transaction:
            super().execute(self._of_each_transaction or "")
            yield transaction


def _set(command: LiteralString, settings: Mapping[str, str]) -> sql.Composed:
    return sql.SQL("; ").join(
        sql.SQL(command + " {} = {}").format(sql.Identifier(name), sql.Literal(value))
        for name, value in settings.items()
    )
