"""SIGTERM and SIGINT: the first stops gracefully, the second at once."""

import os
import signal
import threading
import time
from types import FrameType

# A terminal and a process manager may both pass on the same Ctrl-C: signals this many seconds apart count as one.
_ONE_WISH = 1.0
_INSISTED = 130


def stop_on_signal() -> threading.Event:
    """Return an event that SIGTERM or SIGINT sets; another signal, over a second later, ends the process at once."""
    stop = threading.Event()
    first: list[float] = []

    def on_signal(_number: int, _frame: FrameType | None) -> None:
        now = time.monotonic()
        if first and now - first[0] > _ONE_WISH:
            os._exit(_INSISTED)
        first[:] = first or [now]
        stop.set()

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, on_signal)
    return stop
