"""The processes that a `rollcall run` of a folder started, told by a mark in their environment.

A process that is killed leaves its children alone. The mark finds them, and theirs, at the next start; a file of
process ids would not know whether a number is another program's by now.
"""

import os
import signal
from pathlib import Path

import psutil

from console.running.orphans import lives, stop_orphans

_MARK = "ROLLCALL_RUN_FOLDER"

# The receiver answers those who wait, the worker finishes its transactions.
_STOP_SECONDS = 20.0


def mark_of(folder: Path) -> dict[str, str]:
    """Return the variable that marks a process as started for `folder`."""
    return {_MARK: str(folder.resolve())}


def stop_marked(folder: Path) -> int:
    """Stop the processes that were started for `folder` and are still there; return how many there were."""
    found = marked_processes(folder)
    stop_orphans(found, found, signal.SIGTERM, _STOP_SECONDS)
    return len(found)


def marked_processes(folder: Path) -> list[psutil.Process]:
    """Return the living processes that were started for `folder`, by them too."""
    marked = []
    for process in psutil.process_iter():
        try:
            is_marked = process.pid != os.getpid() and process.environ().get(_MARK) == str(folder.resolve())
        except (psutil.Error, OSError):
            continue  # gone, or another user's: none of ours
        if is_marked and lives(process):
            marked.append(process)
    return marked
