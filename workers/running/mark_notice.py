"""Wakes the process that takes marks: after the commit, from a thread of its own, and many commits at once.

A notification inside the transaction would have all workers commit one after the other. Nothing depends on it: marks
are looked for once a second anyway.
"""

import threading

import psycopg
import structlog
from psycopg.pq import ExecStatus

from runtime.connections import connect, cut_connection
from runtime.deadlines import deadlines
from runtime.session import Session
from workers.tables.marks import CHANNEL

# Seconds between notifications, however many commits there are.
_PAUSE = 0.02
# Seconds until it is tried again while the database is away.
_REST = 1.0
_DEADLINE = 5.0

_NOTIFY = f"NOTIFY {CHANNEL}"

_log = structlog.get_logger(__name__)


class MarkNotice:
    """A thread of the worker."""

    def __init__(self, url: str, stopping: threading.Event) -> None:
        """Notify by the database at `url` until `stopping`; see `wake`."""
        self._url = url
        self._stopping = stopping
        self._marked = threading.Event()
        self._connection: Session | None = None
        self._thread = threading.Thread(target=self._run, name="mark notice", daemon=True)

    def start(self) -> None:
        """Start the thread."""
        self._thread.start()

    def is_alive(self) -> bool:
        """Return whether the thread is alive."""
        return self._thread.is_alive()

    def committed(self, *, is_marked: bool) -> None:
        """Notify soon if there are marks in what has committed."""
        if is_marked:
            self._marked.set()

    def wake(self) -> None:
        """End the thread if the worker is stopping."""
        self._marked.set()

    def join(self) -> None:
        """Wait for the thread to end."""
        self._thread.join(_DEADLINE)

    def _run(self) -> None:
        while not self._stopping.is_set():
            self._marked.wait()
            self._marked.clear()
            self._stopping.wait(_PAUSE if self._notify() else _REST)
        if self._connection is not None:
            self._connection.close()

    def _notify(self) -> bool:
        """Return whether the database took it."""
        try:
            if self._connection is None or self._connection.closed:
                # Not durable: these commits hold nothing that could be lost.
                self._connection = connect(self._url, name="rollcall worker (notifies)", durable=False)
            connection = self._connection
            with deadlines.within(_DEADLINE, lambda: cut_connection(connection)):
                _execute(connection)
                return True
        except psycopg.Error as error:
            # The look once a second does instead: a connection in use elsewhere must not fail for this.
            _log.debug("marks_not_notified", error=type(error).__name__)
            if self._connection is not None:
                self._connection.close()
            self._connection = None
            return False


def _execute(connection: Session) -> None:
    """Notify past psycopg's cursors: on a quiet day, with a notification a delivery, one costs more than all else."""
    if connection.is_shared:
        connection.execute(_NOTIFY)
        return
    result = connection.pgconn.exec_(_NOTIFY.encode())
    if result.status != ExecStatus.COMMAND_OK:
        raise psycopg.OperationalError(result.error_message.decode(errors="replace"))
