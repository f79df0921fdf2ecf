"""Server processes that outlived their parent, after a SIGKILL or a crash."""

import signal
from pathlib import Path

import psutil

from console.failure import CommandFailedError
from console.running.orphans import stop_orphans

# A fast shutdown flushes dirty buffers: seconds, longer on a slow disk.
_SHUTDOWN_SECONDS = 60.0


def stop_leftovers(data: Path) -> None:
    """Stop all Postgres processes still running in a data directory, then remove a running server's lock files.

    The caller holds the directory's lock, so they are all orphans. They are identified by their working directory, not
    by the process id in the lock files: after a crash that id may belong to another program or a zombie, and a server
    would take either for a running server and refuse to start.

    Raises:
        CommandFailedError: one of them can't be stopped.
    """
    marks = [data / "postmaster.pid", *data.glob(".s.PGSQL.*")]
    if not any(mark.exists() for mark in marks):
        return
    servers = _processes_in(data)
    numbers = {process.pid for process in servers}
    # The postmaster, for which SIGINT is a fast shutdown of all processes; or processes that have lost it.
    first = [process for process in servers if _parent_of(process) not in numbers]
    if alive := stop_orphans(servers, first, signal.SIGINT, _SHUTDOWN_SECONDS):
        raise CommandFailedError(
            f"An earlier Postgres (process {alive[0].pid}) is still running in {data} and can't be stopped: "
            "stop it yourself, then start again."
        )
    for mark in marks:
        mark.unlink(missing_ok=True)


def _processes_in(data: Path) -> list[psutil.Process]:
    """Return the Postgres processes whose working directory is the data directory."""
    found = []
    for process in psutil.process_iter(["name"]):
        try:
            if process.info["name"] == "postgres" and Path(process.cwd()) == data:
                found.append(process)
        except (psutil.NoSuchProcess, psutil.AccessDenied):
            continue  # gone, or another user's
    return found


def _parent_of(process: psutil.Process) -> int | None:
    try:
        return int(process.ppid())
    except psutil.NoSuchProcess:
        return None
