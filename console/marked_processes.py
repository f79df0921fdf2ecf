"""The processes that a `rollcall run` of a folder started, told by a mark in their environment.

A process that is killed leaves its children alone. The mark finds them, and theirs, at the next start; a file of
process ids would not know whether a number is another program's by now.
"""

import os
import signal
import time
from pathlib import Path

import psutil

_MARK = "ROLLCALL_RUN_FOLDER"

# The receiver answers those who wait, the worker finishes its transactions.
_STOP_SECONDS = 20.0
_POLL_SECONDS = 0.02


def mark_of(folder: Path) -> dict[str, str]:
    """Return the variable that marks a process as started for `folder`."""
    return {_MARK: str(folder.resolve())}


def stop_marked(folder: Path) -> int:
    """Stop the processes that were started for `folder` and are still there; return how many there were."""
    found = _marked(folder)
    for number, seconds in ((signal.SIGTERM, _STOP_SECONDS), (signal.SIGKILL, _STOP_SECONDS)):
        for process in filter(_lives, found):
            _send(process, number)
        deadline = time.monotonic() + seconds
        while any(map(_lives, found)) and time.monotonic() < deadline:
            time.sleep(_POLL_SECONDS)
    return len(found)


def _marked(folder: Path) -> list[psutil.Process]:
    marked = []
    for process in psutil.process_iter():
        try:
            if process.pid != os.getpid() and process.environ().get(_MARK) == str(folder.resolve()):
                marked.append(process)
        except (psutil.Error, OSError):
            continue  # gone, or another user's: none of ours
    return marked


def _lives(process: psutil.Process) -> bool:
    try:
        return bool(process.is_running() and process.status() != psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return False


def _send(process: psutil.Process, number: signal.Signals) -> None:
    try:
        process.send_signal(number)
    except psutil.NoSuchProcess:
        return
