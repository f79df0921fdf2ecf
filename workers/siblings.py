"""Several worker processes side by side, started, watched and stopped by one."""

import signal
import subprocess
from collections.abc import Sequence

import structlog

from workers.signals import stop_on_signal

# Seconds between looks at the processes, and before one that died is started again.
_LOOK_INTERVAL = 0.5
_RESTART_PAUSE = 2.0

_log = structlog.get_logger(__name__)


def run_siblings(count: int, command: Sequence[str]) -> int:
    """Keep `count` processes of `command` running until SIGTERM or SIGINT. Returns the exit status."""
    stop = stop_on_signal()
    processes = [_start(command) for _ in range(count)]
    while not stop.wait(_LOOK_INTERVAL):
        for place, process in enumerate(processes):
            if process.poll() is None:
                continue
            _log.error("worker_process_died", pid=process.pid, status=process.returncode)
            if not stop.wait(_RESTART_PAUSE):
                processes[place] = _start(command)
    for process in processes:
        if process.poll() is None:
            process.send_signal(signal.SIGTERM)
    return max(abs(process.wait()) for process in processes)


def _start(command: Sequence[str]) -> subprocess.Popen[bytes]:
    # A session of its own: a terminal's Ctrl-C reaches it once, through us.
    return subprocess.Popen(command, start_new_session=True)  # noqa: S603 - our own interpreter and module
