"""Processes of a run: started in a separate folder, logging to files there, stopped with the run."""

import os
import signal
import socket
import subprocess
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

from benchmarks.events import CACHE

ROOT = Path(__file__).parent.parent
_STOP_SECONDS = 30.0
_LAST_WORDS = 1000


class Processes:
    """Started processes, by part.

    Attributes:
        pids: by name.
        settings: environment variables for all of them, besides the paths to programs and this code.
    """

    def __init__(self, folder: Path, stack: ExitStack, settings: Mapping[str, str]) -> None:
        self.pids: dict[str, int] = {}
        self.settings = dict(settings)
        self._folder = folder
        self._stack = stack
        self._started: list[subprocess.Popen[bytes]] = []

    def start(self, part: str, command: Sequence[str]) -> None:
        """Start a process."""
        environment = {"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT), **self.settings}
        with (self._folder / f"{part}.log").open("wb") as log:
            process = subprocess.Popen(
                command, cwd=self._folder, env=environment, stdout=log, stderr=log, start_new_session=True
            )
        self._stack.callback(_stop, process)
        self._started.append(process)
        self.pids[part] = process.pid

    def are_alive(self) -> bool:
        """Return whether all of them run."""
        return all(process.poll() is None for process in self._started)

    def complaints(self) -> str:
        """Return the end of each one's log."""
        logs = [(path.stem, path.read_text(encoding="utf-8", errors="replace")) for path in self._folder.glob("*.log")]
        return "\n".join(f"{part}: {text[-_LAST_WORDS:]}" for part, text in logs)


@contextmanager
def processes(settings: Mapping[str, str]) -> Iterator[Processes]:
    """Provide a folder for a run's processes; both end with the context."""
    with tempfile.TemporaryDirectory(prefix="run-", dir=CACHE) as folder, ExitStack() as stack:
        yield Processes(Path(folder), stack, {"METRICS_PORT": str(free_port()), **settings})


def free_port() -> int:
    """Return a free port."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port: int = probe.getsockname()[1]
        return port


def _stop(process: "subprocess.Popen[bytes]") -> None:
    process.terminate()
    try:
        process.wait(_STOP_SECONDS)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
