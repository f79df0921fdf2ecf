"""Several worker processes side by side, with one set of figures: started, watched and stopped by one."""

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import cast

import structlog
from prometheus_client import CollectorRegistry, Metric
from prometheus_client.multiprocess import MultiProcessCollector, mark_process_dead

from runtime.signals import stop_on_signal
from workers.running.metrics import serve_metrics
from workers.settings import WorkerSettings

# Seconds between looks at the processes, and before one that died is started again.
_LOOK_INTERVAL = 0.5
_RESTART_PAUSE = 2.0

_log = structlog.get_logger(__name__)


def run_siblings(count: int, threads: int, settings: WorkerSettings) -> int:
    """Keep `count` worker processes of `threads` threads running until SIGTERM or SIGINT. Returns the exit status."""
    stop = stop_on_signal()
    Path("var").mkdir(exist_ok=True)
    figures = tempfile.mkdtemp(prefix="metrics-worker-", dir="var")
    try:
        registry = CollectorRegistry()
        FiguresOfAll(registry, path=figures)  # type: ignore[no-untyped-call]
        serve_metrics(registry, settings.host, settings.metrics_port)
        return _Siblings(["--threads", str(threads), "--dead-after", str(settings.dead_after)], figures).run(
            count, stop
        )
    finally:
        shutil.rmtree(figures, ignore_errors=True)


def stop_with(lifeline: int) -> None:
    """End this process as by SIGTERM when the other end of the pipe `lifeline` is closed, as by a parent's death."""

    def wait() -> None:
        os.read(lifeline, 1)
        os.kill(os.getpid(), signal.SIGTERM)

    threading.Thread(target=wait, name="lifeline", daemon=True).start()


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
    def __init__(self, arguments: Sequence[str], figures: str) -> None:
        self._arguments = arguments
        self._figures = figures
        # The children hold the reading end: they see it close when this process dies, however it dies.
        self._lifeline, self._held = os.pipe()

    def run(self, count: int, stop: threading.Event) -> int:
        children = [self._start() for _ in range(count)]
        while not stop.wait(_LOOK_INTERVAL):
            for place, child in enumerate(children):
                if child.poll() is None:
                    continue
                _log.error("worker_process_died", pid=child.pid, status=child.returncode)
                mark_process_dead(child.pid, self._figures)  # type: ignore[no-untyped-call]
                if not stop.wait(_RESTART_PAUSE):
                    children[place] = self._start()
        for child in children:
            if child.poll() is None:
                child.terminate()
        return max(abs(child.wait()) for child in children)

    def _start(self) -> subprocess.Popen[bytes]:
        own = [*self._arguments, "--lifeline", str(self._lifeline)]
        environment = {**os.environ, "PROMETHEUS_MULTIPROC_DIR": self._figures}
        # A session of its own: a terminal's Ctrl-C reaches it once, through us.
        return subprocess.Popen(  # noqa: S603 - our own interpreter and module
            [sys.executable, "-m", "workers", *own],
            pass_fds=[self._lifeline],
            env=environment,
            start_new_session=True,
        )
