"""Server processes that outlived the one who started them, after a SIGKILL or a crash."""

import signal
import time
from pathlib import Path

import psutil

from console.failure import CommandFailedError

# A fast shutdown writes what is dirty in memory to disk: seconds, on a slow disk more.
_SHUTDOWN_SECONDS = 60
_KILL_SECONDS = 10
_POLL_SECONDS = 0.02


def stop_leftovers(data: Path) -> None:
    """Stop whatever Postgres processes still work in a data directory, then remove the mark of a running server.

    The caller holds the lock of that directory, so none of them has an owner. They are told by the folder that they
    work in, not by the number in `postmaster.pid`: after a crash that number may be another program's by now, which a
    server of the same user takes for a running one and refuses to start.

    Raises:
        CommandFailedError: one of them can't be stopped.
    """
    mark = data / "postmaster.pid"
    if not mark.exists():
        return
    servers = _processes_in(data)
    for process in servers:
        if _parent_of(process) not in {other.pid for other in servers}:
            _send(process, signal.SIGINT)  # the postmaster: a fast shutdown; or one that has lost it
    alive = _wait_for_end(servers, _SHUTDOWN_SECONDS)
    for process in alive:
        _send(process, signal.SIGKILL)
    alive = _wait_for_end(alive, _KILL_SECONDS)
    if alive:
        raise CommandFailedError(
            f"A Postgres from before (process {alive[0].pid}) still works in {data} and can't be stopped: "
            "stop it by hand, then start again."
        )
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


def _wait_for_end(processes: list[psutil.Process], seconds: float) -> list[psutil.Process]:
    """Wait until all have ended, at most `seconds`; return those that have not."""
    deadline = time.monotonic() + seconds
    while (alive := [process for process in processes if _lives(process)]) and time.monotonic() < deadline:
        time.sleep(_POLL_SECONDS)
    return alive


def _lives(process: psutil.Process) -> bool:
    """Tell whether a process still works; one that nobody reaps, as under a container's first process, does not."""
    try:
        return bool(process.is_running() and process.status() != psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return False


def _parent_of(process: psutil.Process) -> int | None:
    try:
        return int(process.ppid())
    except psutil.NoSuchProcess:
        return None


def _send(process: psutil.Process, number: signal.Signals) -> None:
    try:
        process.send_signal(number)
    except psutil.NoSuchProcess:
        return
