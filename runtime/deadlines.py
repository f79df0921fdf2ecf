"""Deadlines for connections: a server that neither answers nor hangs up must not hold a thread for ever.

A frozen server keeps its TCP connections alive, so keepalives do not find it. What does is to cut the connection from
outside: the thread that waits on it wakes up with the driver's ordinary error for a lost connection.
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
    # A copy of the descriptor, because Python's socket object closes the one that it is given.
    with suppress(OSError), socket.socket(fileno=os.dup(file_number)) as copy:
        copy.shutdown(socket.SHUT_RDWR)


class Deadlines:
    """Cuts what is still under way when its time is up. One background thread serves a process."""

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
                self._thread = thread  # not before it is alive: others look whether it is
        try:
            yield
        finally:
            with self._lock:
                self._pending.pop(token, None)

    def is_alive(self) -> bool:
        """Tell whether the thread runs, or is not needed yet."""
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
                        except Exception as error:  # noqa: BLE001 - the others' deadlines count as well
                            _log.error("cutting_failed", exc_info=error)


deadlines = Deadlines()
