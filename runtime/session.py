"""Server settings of a connection: set once if the session is ours alone, else in each transaction.

A pooler shares the server's sessions between clients. A session setting would leak to the next client, and would be
missing from the next session we get.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from typing import Any, LiteralString, Self

import psycopg
from psycopg import sql
from psycopg.pq import PipelineStatus, TransactionStatus
from psycopg.pq.abc import PGconn

_FIRST_WITH_TRANSACTION_TIMEOUT = 170000

# How values travel, and what statements mean: whatever a role, a database, the URL or the environment says.
MEANINGS = {
    "client_encoding": "UTF8",
    "DateStyle": "ISO, MDY",
    "IntervalStyle": "postgres",
    "TimeZone": "UTC",
    "bytea_output": "hex",
    "extra_float_digits": "1",
    "array_nulls": "on",
    "standard_conforming_strings": "on",
    "transform_null_equals": "off",
    "row_security": "on",
    "plan_cache_mode": "auto",
}

# Mean nothing within a transaction, or to the pooler's own connection to the server.
_OF_A_SESSION = {
    "idle_session_timeout",
    "tcp_keepalives_idle",
    "tcp_keepalives_interval",
    "tcp_keepalives_count",
    "tcp_user_timeout",
    "default_transaction_isolation",
    "default_transaction_deferrable",
    "default_transaction_read_only",
}


def session_settings(server_version: int, let_go_after: float) -> dict[str, str]:
    """Return the settings that every connection needs.

    Args:
        server_version: as libpq reports it, 150004 for 15.4.
        let_go_after: seconds a transaction may idle before the server ends it: this process is frozen or its host
            is gone, and its locks block the worker that takes over.
    """
    settings = {
        **MEANINGS,
        "default_transaction_isolation": "read committed",
        "default_transaction_deferrable": "off",
        # Limits for people's queries, set for the role or the database. How long we wait, we see to ourselves.
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


class SessionCursor(psycopg.Cursor[Any]):
    """A cursor of a `Session`: outside a transaction, a statement that needs settings runs in a new one."""

    def execute(self, query: Any, params: Any = None, **options: Any) -> Self:
        """Execute a statement as psycopg does."""
        connection = self.connection
        if not (isinstance(connection, Session) and connection.needs_transaction):
            return super().execute(query, params, **options)
        with connection.transaction():
            return super().execute(query, params, **options)


class Session(psycopg.Connection[tuple[Any, ...]]):
    """A connection that keeps its settings, even if the server's session is shared. Autocommit only.

    Attributes:
        is_shared: whether a pooler is in between, so that the server's session may be another's next time.
    """

    is_shared = False
    _of_each_transaction: sql.Composed | None = None

    def __init__(self, pgconn: PGconn) -> None:
        """Connect by `connect`."""
        super().__init__(pgconn)
        self.cursor_factory = SessionCursor

    @property
    def needs_transaction(self) -> bool:
        """Whether a statement would run without the settings, as it is in no transaction."""
        return (
            self._of_each_transaction is not None
            and self.pgconn.transaction_status == TransactionStatus.IDLE
            # There the status is that of before the pipeline; who begins one begins a transaction with it.
            and self.pgconn.pipeline_status == PipelineStatus.OFF
        )

    def set_up(self, settings: Mapping[str, str], path: Sequence[str] = (), *, is_shared: bool) -> None:
        """Give the server the settings, in one round trip: now, or, where it `is_shared`, in each transaction.

        Args:
            settings: by name.
            path: schemas for `search_path`, in their order; none leave it as it is.
            is_shared: see the class.
        """
        self.is_shared = is_shared
        if is_shared:
            # The next transaction may be another session's, which does not know what this one has prepared.
            self.prepare_threshold = None
            local = {name: value for name, value in settings.items() if name not in _OF_A_SESSION}
            self._of_each_transaction = sql.SQL("; ").join([_begin(settings), *_set("SET LOCAL", local, path)])
        else:
            self.execute(sql.SQL("; ").join(_set("SET", settings, path)))

    def transaction(  # type: ignore[override]  # psycopg's signature is wider than needed
        self, *arguments: Any, **options: Any
    ) -> AbstractContextManager[psycopg.Transaction]:
        """Begin a transaction as psycopg does."""
        begun = super().transaction(*arguments, **options)
        if self._of_each_transaction is None or self.pgconn.transaction_status != TransactionStatus.IDLE:
            return begun
        return self._with_settings(begun)

    def set_up_transaction(self) -> None:
        """Give a transaction that was begun otherwise its settings, where each needs them; before any query in it."""
        if self._of_each_transaction is not None:
            self.execute(self._of_each_transaction)

    @contextmanager
    def _with_settings(self, begun: AbstractContextManager[psycopg.Transaction]) -> Iterator[psycopg.Transaction]:
        with begun as transaction:
            self.set_up_transaction()
            yield transaction


def _begin(settings: Mapping[str, str]) -> sql.Composable:
    # A standby refuses this even if nothing is written, so it is said only where it was read only by a default.
    writes = sql.SQL(", READ WRITE" if settings.get("default_transaction_read_only") == "off" else "")
    return sql.SQL("SET TRANSACTION ISOLATION LEVEL READ COMMITTED, NOT DEFERRABLE") + writes


def _set(command: LiteralString, settings: Mapping[str, str], path: Sequence[str]) -> Iterator[sql.Composable]:
    for name, value in settings.items():
        yield sql.SQL(command + " {} = {}").format(sql.Identifier(name), sql.Literal(value))
    if path:
        yield sql.SQL(command + " search_path = ") + sql.SQL(", ").join(map(sql.Identifier, path))
