"""Connections to Postgres that notice when the other side is gone, and whose commits are on disk."""

from contextlib import suppress
from typing import Any

import psycopg
from psycopg.conninfo import conninfo_to_dict

from runtime.deadlines import cut, deadlines
from runtime.liveness import DEAD_AFTER, let_go_after

# libpq's own names and units: seconds, tcp_user_timeout milliseconds.
_PATIENCE = {
    "connect_timeout": 5,
    "keepalives": 1,
    "keepalives_idle": 5,
    "keepalives_interval": 2,
    "keepalives_count": 3,
    "tcp_user_timeout": 10000,
}

# A database that is set to answer before its log is on disk would make "committed" mean less than we promise.
_DURABLE = "SELECT set_config('synchronous_commit', 'on', false) WHERE current_setting('synchronous_commit') = 'off'"
# For claims and acknowledgements: one that is lost in a crash of the server means that a message is processed again.
_NOT_DURABLE = "SET synchronous_commit TO off"

# What the server is to do when this process is frozen or its host is gone: end the session and its transaction, whose
# locks would hold up whoever takes over.
_LET_GO = """
    SELECT set_config('idle_in_transaction_session_timeout', %s, false),
        set_config('tcp_keepalives_idle', '5', false), set_config('tcp_keepalives_interval', '2', false),
        set_config('tcp_keepalives_count', '3', false), set_config('tcp_user_timeout', '10s', false)"""
# The same while a statement waits for a lock; a server on some systems does not know how.
_LET_GO_WHILE_WAITING = "SELECT set_config('client_connection_check_interval', '5s', false)"


def connect(
    url: str, *, name: str, connect_timeout: int = 5, durable: bool = True, dead_after: float = DEAD_AFTER
) -> psycopg.Connection[tuple[Any, ...]]:
    """Open a connection on which each statement is a transaction of its own.

    What the URL itself says (`sslmode`, `connect_timeout`, …) comes first.

    Args:
        url: `postgresql://…` or `postgres://…`.
        name: shown as `application_name` in `pg_stat_activity`.
        connect_timeout: seconds, at least 2.
        durable: whether a commit is answered only once it is on disk.
        dead_after: seconds of silence after which this process counts as dead; its transaction ends soon after.

    Raises:
        psycopg.OperationalError: the server is away or does not let us in.
    """
    patience = {**_PATIENCE, "connect_timeout": connect_timeout, "application_name": name}
    ours = {key: value for key, value in patience.items() if key not in conninfo_to_dict(url)}
    connection = psycopg.connect(url, autocommit=True, **ours)  # type: ignore[arg-type]  # libpq's parameters
    try:
        with deadlines.within(connect_timeout, lambda: cut_connection(connection)):
            connection.execute(_DURABLE if durable else _NOT_DURABLE)
            connection.execute(_LET_GO, (f"{let_go_after(dead_after) * 1000:.0f}ms",))
            with suppress(psycopg.DataError, psycopg.NotSupportedError):
                connection.execute(_LET_GO_WHILE_WAITING)
    except BaseException:
        connection.close()
        raise
    return connection


def cut_connection(connection: psycopg.Connection[Any]) -> None:
    """Break a connection from another thread: whoever waits on it gets a `psycopg.OperationalError`."""
    with suppress(psycopg.Error):
        cut(connection.pgconn.socket)
