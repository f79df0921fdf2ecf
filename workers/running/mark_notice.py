"""Wakes the process that takes marks: after the commit, from a thread of its own, and many commits at once.

A notification inside the transaction would have all workers commit one after the other. Nothing depends on it: marks
are looked for once a second anyway.
"""

import threading

import psycopg
import structlog

from runtime.connections import connect, cut_connection
from runtime.deadlines import deadlines
from runtime.session import Session
from workers.settling.settlement import Settlement
from workers.tables.marks import CHANNEL

# Seconds between notifications, however many commits there are.
_PAUSE = 0.02
# Seconds until it is looked again whether there are endpoints, or whether the database is back.
_REST = 1.0
_DEADLINE = 5.0

_NOTIFY = f"SELECT pg_notify('{CHANNEL}', '') FROM (SELECT FROM rollcall.endpoints LIMIT 1) AS one"  # noqa: S608 - ours

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

    def committed(self, settlement: Settlement) -> None:
        """Notify soon if what has committed may have been marked."""
        if settlement.sessions or settlement.quarantined:
            self.marked()

    def marked(self) -> None:
        """Notify soon."""
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
        """Return whether somebody is to be notified again soon."""
        try:
            if self._connection is None or self._connection.closed:
                # Not durable: these commits hold nothing that could be lost.
                self._connection = connect(self._url, name="rollcall worker (notifies)", durable=False)
            connection = self._connection
            with deadlines.within(_DEADLINE, lambda: cut_connection(connection)):
                return connection.execute(_NOTIFY).rowcount > 0
        except psycopg.Error as error:
            # The look once a second does instead: a connection in use elsewhere must not fail for this.
            _log.debug("marks_not_notified", error=type(error).__name__)
            if self._connection is not None:
                self._connection.close()
            self._connection = None
            return False
