"""Postgres connections that notice a dead peer and commit durably."""

from collections.abc import Callable, Mapping, Sequence
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

# Whose session it is; whether it answers commits before its log is on disk: "committed" would mean less than we
# promise; whether it writes nothing unless asked to, because the role, the database or the environment says so (where
# the whole server does, its operator has stopped it, and it stays as it is); and where names are looked for. In one
# round trip, with the time limit out of the way that the role may have.
_LOOK = """
    SET LOCAL statement_timeout = 0;
    SELECT pg_backend_pid(), current_setting('synchronous_commit'),
        CASE WHEN current_setting('default_transaction_read_only')::boolean AND NOT pg_is_in_recovery() THEN (
            SELECT source NOT IN ('configuration file', 'command line') FROM pg_settings
            WHERE name = 'default_transaction_read_only') END,
        current_schemas(true)::text[]"""
# A limit of a millisecond can still be over before the statement that lifts it has begun.
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

    What the URL itself says (`sslmode`, `connect_timeout`, …) comes first; but how values travel and what statements
    mean is the same whatever the URL, the environment, the role and the database say. The time limits that a role or a
    database has are lifted: those are meant for people's queries. Behind a pooler the server's sessions are shared with
    others, so there each transaction gets the settings for itself.

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
    ours["client_encoding"] = "UTF8"  # from the first word on: whatever the server says comes in it
    connection = Session.connect(url, autocommit=True, **ours)  # type: ignore[arg-type]  # libpq's parameters
    try:
        with deadlines.within(connect_timeout, lambda: cut_connection(connection)):
            pid, synchronous_commit, is_read_only, schemas = _insist(lambda: _look(connection))
            wanted = session_settings(connection.info.server_version, let_go_after(dead_after))
            if not durable or synchronous_commit == "off":
                wanted["synchronous_commit"] = "on" if durable else "off"
            if is_read_only:
                wanted["default_transaction_read_only"] = "off"
            is_shared = pid != connection.info.backend_pid
            path = _path(schemas)
            _insist(lambda: connection.set_up({**wanted, **(settings or {})}, path, is_shared=is_shared))
            if not is_shared:
                with suppress(psycopg.DataError, psycopg.NotSupportedError):
                    connection.execute(_LET_GO_WHILE_WAITING)
    except BaseException:
        connection.close()
        raise
    return connection


def _look(connection: psycopg.Connection[tuple[Any, ...]]) -> tuple[int, str, bool | None, list[str]]:
    """Return the process of the server that answers, and what `_LOOK` asks besides."""
    cursor = connection.execute(_LOOK)
    cursor.nextset()
    [(pid, synchronous_commit, is_read_only, schemas)] = cursor.fetchall()
    return pid, synchronous_commit, is_read_only, schemas


def _path(schemas: Sequence[str]) -> Sequence[str]:
    """Return where names are to be looked for, if Postgres's own would not be found first; else nothing."""
    others = [schema for schema in schemas if not schema.startswith("pg_")]
    return ["pg_catalog", *others] if others and "pg_catalog" in schemas[schemas.index(others[0]) :] else ()


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
