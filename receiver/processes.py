"""Several processes of one receiver: one socket, one set of figures, started, watched and stopped by one."""

import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterable
from pathlib import Path
from types import FrameType
from typing import cast

import structlog
from prometheus_client import CollectorRegistry, Metric
from prometheus_client.multiprocess import MultiProcessCollector, mark_process_dead

from receiver.metrics import serve_metrics
from receiver.settings import ReceiverSettings

# Seconds between looks at the processes, and before one that died is started again.
_LOOK_SECONDS = 0.5
_RESTART_SECONDS = 2.0

_log = structlog.get_logger(__name__)


def run_processes(count: int, settings: ReceiverSettings, listener: socket.socket) -> int:
    """Keep `count` receiver processes on one socket running until SIGTERM or SIGINT.

    Returns:
        The exit status: 0 if every process ended in order.
    """
    stop = threading.Event()

    def on_signal(_number: int, _frame: FrameType | None) -> None:
        stop.set()

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, on_signal)
    Path("var").mkdir(exist_ok=True)
    figures = tempfile.mkdtemp(prefix="metrics-receiver-", dir="var")
    try:
        registry = CollectorRegistry()
        FiguresOfAll(registry, path=figures)  # type: ignore[no-untyped-call]
        serve_metrics(registry, settings.metrics_host, settings.metrics_port)
        return _Siblings(listener, figures).run(count, stop)
    finally:
        shutil.rmtree(figures, ignore_errors=True)


class FiguresOfAll(MultiProcessCollector):
    """The figures of several processes, added up.

    A file that its process has made and not yet written holds none, and is left for ever by one that is killed in
    between: as it comes, the library fails the whole look over it (prometheus/client_python, issue 1199).
    """

    def collect(self) -> Iterable[Metric]:
        """Return the figures as they are now."""
        written = [str(file) for file in Path(self._path).glob("*.db") if _size(file)]
        return cast("Iterable[Metric]", self.merge(written))  # type: ignore[no-untyped-call]


def _size(file: Path) -> int:
    try:
        return file.stat().st_size
    except FileNotFoundError:  # its process has ended meanwhile
        return 0


class _Siblings:
    def __init__(self, listener: socket.socket, figures: str) -> None:
        self._listener = listener
        self._figures = figures
        # The children hold the reading end: they see it close when this process dies, however it dies.
        self._lifeline, self._held = os.pipe()

    def run(self, count: int, stop: threading.Event) -> int:
        children = [self._start() for _ in range(count)]
        while not stop.wait(_LOOK_SECONDS):
            for place, child in enumerate(children):
                if child.poll() is None:
                    continue
                _log.error("receiver_process_died", pid=child.pid, status=child.returncode)
                mark_process_dead(child.pid, self._figures)  # type: ignore[no-untyped-call]
                if not stop.wait(_RESTART_SECONDS):
                    children[place] = self._start()
        # Or the kernel would go on taking connections that nobody answers.
        self._listener.close()
        for child in children:
            if child.poll() is None:
                child.terminate()
        # A child that was still starting has taken nothing and dies of the signal: an orderly end as well.
        return max(0 if child.wait() == -signal.SIGTERM else abs(child.returncode) for child in children)

    def _start(self) -> subprocess.Popen[bytes]:
        descriptors = (self._listener.fileno(), self._lifeline)
        command = [sys.executable, "-m", "receiver", "--inherit", ",".join(map(str, descriptors))]
        environment = {**os.environ, "PROMETHEUS_MULTIPROC_DIR": self._figures}
        # A session of its own: a terminal's Ctrl-C reaches it once, through us.
        return subprocess.Popen(  # noqa: S603 - our own interpreter and module
            command, pass_fds=descriptors, env=environment, start_new_session=True
        )
