"""Stops orphaned processes: first with a signal, then by killing them."""

import signal
import time
from collections.abc import Collection

import psutil

_KILL_SECONDS = 10.0
_POLL_SECONDS = 0.02


def lives(process: psutil.Process) -> bool:
    """Return whether a process is still running. An unreaped zombie, as in some containers, is not."""
    try:
        return bool(process.is_running() and process.status() != psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return False


def stop_orphans(
    orphans: Collection[psutil.Process], asked: Collection[psutil.Process], number: signal.Signals, seconds: float
) -> list[psutil.Process]:
    """Stop processes and return those that could not be stopped.

    Args:
        orphans: the processes to stop.
        asked: those that get the signal; the others are expected to end with them.
        number: the signal to send.
        seconds: how long to wait before killing the rest.
    """
    _send(asked, number)
    _wait(orphans, seconds)
    _send([process for process in orphans if lives(process)], signal.SIGKILL)
    _wait(orphans, _KILL_SECONDS)
    return [process for process in orphans if lives(process)]


def _send(processes: Collection[psutil.Process], number: signal.Signals) -> None:
    for process in processes:
        try:
            process.send_signal(number)
        except psutil.NoSuchProcess:
            continue


def _wait(processes: Collection[psutil.Process], seconds: float) -> None:
    deadline = time.monotonic() + seconds
    while any(lives(process) for process in processes) and time.monotonic() < deadline:
        time.sleep(_POLL_SECONDS)
