"""Postgres connections that notice a dead peer and commit durably."""

from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Any, TypeVar

import psycopg
from psycopg import errors
from psycopg.conninfo import conninfo_to_dict

from runtime.deadlines import cut, deadlines
from runtime.liveness import DEAD_AFTER, let_go_after
from runtime.session import Session, session_settings

# libpq's own names and units: seconds, tcp_user_timeout milliseconds.
_PATIENCE = {
    "connect_timeout": 5,
    "keepalives": 1,
    "keepalives_idle": 5,
    "keepalives_interval": 2,
    "keepalives_count": 3,
    "tcp_user_timeout": 10000,
}

# Which server process we got, and whether it acknowledges commits before they are on disk (which would break our
# promise). One round trip, with any statement timeout of the role lifted.
_LOOK = "SET LOCAL statement_timeout = 0; SELECT pg_backend_pid(), current_setting('synchronous_commit')"
# A timeout of a millisecond can expire before the statement that lifts it has started.
_MOST_TRIES = 20

# Cancels a statement that waits for a lock after its client is gone; not supported on every platform.
_LET_GO_WHILE_WAITING = "SET client_connection_check_interval = '5s'"

Result = TypeVar("Result")


def connect(  # noqa: PLR0913 - keyword-only, and most callers pass one
    url: str,
    *,
    name: str,
    connect_timeout: int = 5,
    durable: bool = True,
    dead_after: float = DEAD_AFTER,
    settings: Mapping[str, str] | None = None,
) -> Session:
    """Open a connection in autocommit mode.

    Parameters in the URL (`sslmode`, `connect_timeout`, …) take precedence. Timeouts set on the role or the database
    are lifted: they are meant for interactive queries. A pooler shares the server's sessions between clients, so
    behind one the settings are applied in each transaction.

    Args:
        url: `postgresql://…` or `postgres://…`.
        name: shown as `application_name` in `pg_stat_activity`.
        connect_timeout: seconds, at least 2.
        durable: whether a commit is acknowledged only once it is on disk.
        dead_after: seconds of silence after which this process counts as dead; its transaction is ended soon after.
        settings: additional server settings for this connection, by name.

    Raises:
        psycopg.OperationalError: the server is unreachable or refuses the connection.
    """
    patience = {**_PATIENCE, "connect_timeout": connect_timeout, "application_name": name}
    ours = {key: value for key, value in patience.items() if key not in conninfo_to_dict(url)}
    connection = Session.connect(url, autocommit=True, **ours)  # type: ignore[arg-type]  # libpq's parameters
    try:
        with deadlines.within(connect_timeout, lambda: cut_connection(connection)):
            pid, synchronous_commit = _insist(lambda: _look(connection))
            wanted = session_settings(connection.info.server_version, let_go_after(dead_after))
            if not durable or synchronous_commit == "off":
                wanted["synchronous_commit"] = "on" if durable else "off"
            is_shared = pid != connection.info.backend_pid
            _insist(lambda: connection.set_up({**wanted, **(settings or {})}, is_shared=is_shared))
            if not is_shared:
                with suppress(psycopg.DataError, psycopg.NotSupportedError):
                    connection.execute(_LET_GO_WHILE_WAITING)
    except BaseException:
        connection.close()
        raise
    return connection


def _look(connection: psycopg.Connection[tuple[Any, ...]]) -> tuple[int, str]:
    """Return the server process's id and its `synchronous_commit`."""
    cursor = connection.execute(_LOOK)
    cursor.nextset()
    [(pid, synchronous_commit)] = cursor.fetchall()
    return pid, synchronous_commit


def _insist(do: Callable[[], Result]) -> Result:
    """Call `do`, which lifts a timeout; retry if that timeout expires first."""
    for _ in range(_MOST_TRIES):
        with suppress(errors.QueryCanceled):
            return do()
    return do()


def cut_connection(connection: psycopg.Connection[Any]) -> None:
    """Break a connection from another thread: a thread waiting on it gets a `psycopg.OperationalError`."""
    with suppress(psycopg.Error):
        cut(connection.pgconn.socket)
