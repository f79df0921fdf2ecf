"""Hears of new messages at once. Only an optimisation: they are looked for every second anyway."""

import threading
from collections.abc import Callable

import psycopg

from runtime.connections import connect, cut_connection
from runtime.session import Session

CHANNEL = "rollcall_messages"
# Seconds between tries to connect, and between looks whether to stop.
_PAUSE = 2.0
_LOOK_INTERVAL = 5.0


class Listener:
    """A thread with a connection of its own."""

    def __init__(self, url: str, heard: Callable[[], None]) -> None:
        """Listen at `url`, and call `heard` from the thread for each notification."""
        self._url = url
        self._heard = heard
        self._stopping = threading.Event()
        self._connection: Session | None = None
        self._thread = threading.Thread(target=self._run, name="listener", daemon=True)

    def start(self) -> None:
        """Start listening."""
        self._thread.start()

    def stop(self) -> None:
        """Stop listening."""
        self._stopping.set()
        connection = self._connection
        if connection is not None:
            cut_connection(connection)
        self._thread.join(_LOOK_INTERVAL)

    def _run(self) -> None:
        while not self._stopping.is_set():
            try:
                with connect(self._url, name="rollcall automations (listens)") as connection:
                    if connection.is_shared:
                        return  # a pooler passes on no notifications
                    self._connection = connection
                    connection.execute(f"LISTEN {CHANNEL}")
                    self._heard()  # whatever was announced before
                    while not self._stopping.is_set():
                        for _ in connection.notifies(timeout=_LOOK_INTERVAL):
                            self._heard()
            except psycopg.Error:
                self._stopping.wait(_PAUSE)
            finally:
                self._connection = None
