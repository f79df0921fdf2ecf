"""Ends the transaction of a frozen worker that another one waits for.

The database ends a transaction that idles (`runtime.connections`), but not one in the middle of a
pipeline: there it waits for the next statement without a limit (a flush behind a sync lifts it), and a frozen process
keeps its TCP connection alive.
"""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psycopg
import structlog

from runtime.connections import connect
from runtime.deadlines import deadlines

# Seconds between two looks at whom a transaction waits for, once it takes long.
_LOOK_INTERVAL = 2.0

# Only a worker, told by the name of its connection, only one that was to say the next word, and only one in our way.
_END = """
SELECT pg_terminate_backend(pid) FROM pg_stat_activity
WHERE pid = ANY(pg_blocking_pids(%s)) AND usename = current_user
    AND application_name = current_setting('application_name')
    AND state IN ('active', 'idle in transaction') AND wait_event = 'ClientRead'
    AND state_change < now() - make_interval(secs => %s)
"""

_log = structlog.get_logger(__name__)


@contextmanager
def frozen_ended(
    connection: psycopg.Connection[tuple[Any, ...]], url: str, name: str, dead_after: float
) -> Iterator[None]:
    """End the sessions of frozen workers that the block's transaction waits for.

    Args:
        connection: that the transaction is on.
        url: of its database.
        name: of workers' connections.
        dead_after: seconds of silence in the middle of a transaction after which a worker counts as frozen.
    """
    ended = threading.Event()
    pid = connection.info.backend_pid

    def look() -> None:
        while not ended.wait(_LOOK_INTERVAL):
            try:
                with connect(url, name=name) as other:
                    if other.execute(_END, (pid, dead_after)).fetchall():
                        _log.warning("frozen_worker_ended", silent_seconds=dead_after)
            except psycopg.Error:
                continue  # the database is away: then nobody waits for a lock

    def begin_to_look() -> None:
        threading.Thread(target=look, name="frozen workers", daemon=True).start()

    try:
        with deadlines.within(dead_after / 2, begin_to_look):
            yield
    finally:
        ended.set()
