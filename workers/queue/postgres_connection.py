"""Connections to Postgres that notice when the other side is gone, and whose commits are on disk."""

from contextlib import suppress
from typing import Any

import psycopg
from psycopg.conninfo import conninfo_to_dict

from workers.queue.deadline import cut

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


def connect(url: str, *, name: str, autocommit: bool, connect_timeout: int = 5) -> psycopg.Connection[tuple[Any, ...]]:
    """Open a connection. What the URL itself says (`sslmode`, `connect_timeout`, …) comes first.

    Args:
        url: `postgresql://…` or `postgres://…`.
        name: shown as `application_name` in `pg_stat_activity`.
        autocommit: whether each statement is a transaction of its own.
        connect_timeout: seconds, at least 2.

    Raises:
        psycopg.OperationalError: the server is away or does not let us in.
    """
    patience = {**_PATIENCE, "connect_timeout": connect_timeout, "application_name": name}
    ours = {key: value for key, value in patience.items() if key not in conninfo_to_dict(url)}
    connection = psycopg.connect(url, autocommit=autocommit, **ours)  # type: ignore[arg-type]  # libpq's parameters
    try:
        connection.execute(_DURABLE)
        if not autocommit:
            connection.commit()
    except BaseException:
        connection.close()
        raise
    return connection


def cut_connection(connection: psycopg.Connection[Any]) -> None:
    """Break a connection from another thread: whoever waits on it gets a `psycopg.OperationalError`."""
    with suppress(psycopg.Error):
        cut(connection.pgconn.socket)
