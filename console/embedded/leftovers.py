"""Server processes that outlived the one who started them, after a SIGKILL or a crash."""

import signal
from pathlib import Path

import psutil

from console.failure import CommandFailedError
from console.running.orphans import stop_orphans

# A fast shutdown writes what is dirty in memory to disk: seconds, on a slow disk more.
_SHUTDOWN_SECONDS = 60.0


def stop_leftovers(data: Path) -> None:
    """Stop whatever Postgres processes still work in a data directory, then remove the marks of a running server.

    The caller holds the lock of that directory, so none of them has an owner. They are told by the folder that they
    work in, not by the number in the marks: after a crash that number may be another program's by now, or nobody has
    taken note of that process's end; a server takes either for one that runs, and refuses to start.

    Raises:
        CommandFailedError: one of them can't be stopped.
    """
    marks = [data / "postmaster.pid", *data.glob(".s.PGSQL.*")]
    if not any(mark.exists() for mark in marks):
        return
    servers = _processes_in(data)
    numbers = {process.pid for process in servers}
    # The postmaster, which takes SIGINT for a fast shutdown and ends the others; or others that have lost it.
    first = [process for process in servers if _parent_of(process) not in numbers]
    if alive := stop_orphans(servers, first, signal.SIGINT, _SHUTDOWN_SECONDS):
        raise CommandFailedError(
            f"A Postgres from before (process {alive[0].pid}) still works in {data} and can't be stopped: "
            "stop it by hand, then start again."
        )
    for mark in marks:
        mark.unlink(missing_ok=True)


def _processes_in(data: Path) -> list[psutil.Process]:
    """Return the Postgres processes whose working folder is the data directory; each of a server's is there."""
    found = []
    for process in psutil.process_iter(["name"]):
        try:
            if process.info["name"] == "postgres" and Path(process.cwd()) == data:
                found.append(process)
        except (psutil.NoSuchProcess, psutil.AccessDenied):
            continue  # gone, or another user's: none of ours
    return found


def _parent_of(process: psutil.Process) -> int | None:
    try:
        return int(process.ppid())
    except psutil.NoSuchProcess:
        return None
