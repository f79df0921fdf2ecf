"""The processes that a folder's `rollcall run` started, identified by a variable in their environment.

Killing a process does not end its children. The variable identifies them and their children at the next start; a file
of process ids could not tell whether an id has been reused.
"""

import os
import signal
from pathlib import Path

import psutil

from console.running.orphans import lives, stop_orphans

_MARK = "ROLLCALL_RUN_FOLDER"

# The receiver answers pending requests, the worker finishes its transactions.
_STOP_SECONDS = 20.0


def mark_of(folder: Path) -> dict[str, str]:
    """Return the environment variable that marks a process as started for `folder`."""
    return {_MARK: str(folder.resolve())}


def stop_marked(folder: Path) -> int:
    """Stop the processes still running for `folder`; return how many there were."""
    found = marked_processes(folder)
    stop_orphans(found, found, signal.SIGTERM, _STOP_SECONDS)
    return len(found)


def marked_processes(folder: Path) -> list[psutil.Process]:
    """Return the running processes started for `folder`, directly or indirectly."""
    marked = []
    for process in psutil.process_iter():
        try:
            is_marked = process.pid != os.getpid() and process.environ().get(_MARK) == str(folder.resolve())
        except (psutil.Error, OSError):
            continue  # gone, or another user's
        if is_marked and lives(process):
            marked.append(process)
    return marked
