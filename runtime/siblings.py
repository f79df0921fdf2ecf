"""Several processes of one kind with one set of metrics: started, supervised and stopped by a parent."""

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from prometheus_client import CollectorRegistry
from prometheus_client.multiprocess import mark_process_dead

from runtime.figures import FiguresOfAll
from runtime.own_files import make_folder
from runtime.signals import stop_on_signal

# Seconds between checks on the processes, and before a dead one is restarted.
_LOOK_INTERVAL = 0.5
_RESTART_PAUSE = 2.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Siblings:
    """How to run the processes.

    Attributes:
        module: what each runs with `python -m`; it takes `--lifeline`, a descriptor to pass to `stop_with`.
        arguments: further arguments for each.
        inherited: descriptors that each inherits from this process.
        folder: where the files with their metrics are kept while they run.
        serve: serves the metrics of all of them.
        died: called with the process id and status of one that exited unexpectedly.
        stopping: called before they are stopped.
    """

    module: str
    arguments: Sequence[str]
    folder: Path
    serve: Callable[[CollectorRegistry], None]
    died: Callable[[int, int], None]
    inherited: Sequence[int] = ()
    stopping: Callable[[], None] = lambda: None

    def run(self, count: int) -> int:
        """Keep `count` processes running until SIGTERM or SIGINT.

        Returns:
            The exit status: 0 if every process exited cleanly.
        """
        stop = stop_on_signal()
        with ExitStack() as stack:
            make_folder(self.folder)
            figures = tempfile.mkdtemp(prefix=f"metrics-{self.module}-", dir=self.folder)
            stack.callback(shutil.rmtree, figures, ignore_errors=True)
            registry = CollectorRegistry()
            FiguresOfAll(registry, path=figures)  # type: ignore[no-untyped-call]
            self.serve(registry)
            return self._keep_running(count, stop, figures)

    def _keep_running(self, count: int, stop: threading.Event, figures: str) -> int:
        # The children hold the read end: they see it close however this process dies.
        lifeline, held = os.pipe()
        children = [self._start(lifeline, figures) for _ in range(count)]
        while not stop.wait(_LOOK_INTERVAL):
            for place, child in enumerate(children):
                if child.poll() is None:
                    continue
                self.died(child.pid, child.returncode)
                mark_process_dead(child.pid, figures)  # type: ignore[no-untyped-call]
                if not stop.wait(_RESTART_PAUSE):
                    children[place] = self._start(lifeline, figures)
        self.stopping()
        for child in children:
            if child.poll() is None:
                child.terminate()
        # A child that was still starting has accepted nothing and dies of the signal: a clean exit too.
        status = max(0 if child.wait() == -signal.SIGTERM else abs(child.returncode) for child in children)
        os.close(lifeline)
        os.close(held)
        return status

    def _start(self, lifeline: int, figures: str) -> subprocess.Popen[bytes]:
        # A separate session: a terminal's Ctrl-C reaches it once, through us.
        return subprocess.Popen(  # noqa: S603 - our own interpreter and module
            [sys.executable, "-m", self.module, *self.arguments, "--lifeline", str(lifeline)],
            pass_fds=(*self.inherited, lifeline),
            env={**os.environ, "PROMETHEUS_MULTIPROC_DIR": figures},
            start_new_session=True,
        )


def stop_with(lifeline: int) -> None:
    """Send this process SIGTERM when the other end of the pipe `lifeline` closes, as when its parent dies."""

    def wait() -> None:
        os.read(lifeline, 1)
        os.kill(os.getpid(), signal.SIGTERM)

    threading.Thread(target=wait, name="lifeline", daemon=True).start()
