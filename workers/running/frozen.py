"""Ends a frozen worker's transaction that another worker waits for.

The server ends an idle transaction (`runtime.connections`), but not one in the middle of a pipeline: there it waits
for the next statement without a timeout (a flush after a sync lifts it), and a frozen process keeps its TCP connection
alive.
"""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
import structlog

from runtime.connections import connect
from runtime.deadlines import deadlines
from runtime.session import Session

# Seconds between checks of what a slow transaction is waiting for.
_LOOK_INTERVAL = 2.0

# Only workers (by connection name), only sessions waiting for their client, and only those that block us.
_END = """
SELECT pg_terminate_backend(pid) FROM pg_stat_activity
WHERE pid = ANY(pg_blocking_pids(%s)) AND usename = current_user
    AND application_name = current_setting('application_name')
    AND state IN ('active', 'idle in transaction') AND wait_event = 'ClientRead'
    AND state_change < now() - make_interval(secs => %s)
"""

_log = structlog.get_logger(__name__)


@contextmanager
def frozen_ended(connection: Session, url: str, name: str, dead_after: float) -> Iterator[None]:
    """Terminate the sessions of frozen workers that block this block, which is all or part of one transaction.

    Args:
        connection: in the transaction.
        url: the URL of its database.
        name: the `application_name` of workers' connections.
        dead_after: seconds of silence in the middle of a transaction after which a worker counts as frozen.
    """
    ended = threading.Event()
    pid = _server_process(connection)

    def look() -> None:
        while not ended.wait(_LOOK_INTERVAL):
            try:
                with connect(url, name=name) as other:
                    if other.execute(_END, (pid, dead_after)).fetchall():
                        _log.warning("frozen_worker_ended", silent_seconds=dead_after)
            except psycopg.Error:
                continue  # the database is away, so nothing waits for a lock

    def begin_to_look() -> None:
        threading.Thread(target=look, name="frozen workers", daemon=True).start()

    try:
        with deadlines.within(dead_after / 2, begin_to_look):
            yield
    finally:
        ended.set()


def _server_process(connection: Session) -> int:
    """Return the process id of the server's session that this transaction has."""
    if not connection.is_shared:
        return connection.info.backend_pid
    # A pooler gives ids of its own, and the next transaction may be another session's.
    [(pid,)] = connection.execute("SELECT pg_backend_pid()").fetchall()
    return int(pid)
