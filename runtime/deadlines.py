"""Deadlines for connections: a server that neither answers nor hangs up must not block a thread indefinitely.

A frozen server keeps its TCP connections alive, so keepalives do not detect it. Instead another thread shuts the socket
down, and the blocked thread gets the driver's ordinary error for a lost connection.
"""

import os
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

import structlog

_CHECK_INTERVAL = 0.5

_log = structlog.get_logger(__name__)


def cut(file_number: int) -> None:
    """Shut the socket down without closing its descriptor, which still belongs to the driver."""
    # Duplicate the descriptor, because Python's socket object closes the one it is given.
    with suppress(OSError), socket.socket(fileno=os.dup(file_number)) as copy:
        copy.shutdown(socket.SHUT_RDWR)


class Deadlines:
    """Cuts off operations that exceed their deadline. One background thread per process."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._pending: dict[object, tuple[float, Callable[[], None]]] = {}
        self._thread: threading.Thread | None = None

    @contextmanager
    def within(self, seconds: float, cut_off: Callable[[], None]) -> Iterator[None]:
        """Call `cut_off` from another thread if the block takes longer than `seconds` (to half a second)."""
        token = object()
        with self._lock:
            self._pending[token] = (time.monotonic() + seconds, cut_off)
            if self._thread is None:
                thread = threading.Thread(target=self._watch, name="deadlines", daemon=True)
                thread.start()
                self._thread = thread  # only once it is alive: `is_alive` checks it
        try:
            yield
        finally:
            with self._lock:
                self._pending.pop(token, None)

    def is_alive(self) -> bool:
        """Return whether the thread is running or has not been needed yet."""
        return self._thread is None or self._thread.is_alive()

    def _watch(self) -> None:
        while True:
            time.sleep(_CHECK_INTERVAL)
            now = time.monotonic()
            # Under the lock, so that a block that has just ended can't have its next connection cut.
            with self._lock:
                for token, (due, cut_off) in list(self._pending.items()):
                    if due <= now:
                        del self._pending[token]
                        try:
                            cut_off()
                        except Exception as error:  # noqa: BLE001 - one failure must not stop the other deadlines
                            _log.error("cutting_failed", exc_info=error)


deadlines = Deadlines()
