"""A part of Rollcall as a process that can be killed, frozen, stopped and started again."""

import os
import signal
import subprocess
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path

# A stop finishes pending work; a part that needs longer than this is broken.
_STOP_SECONDS = 60.0


class BadEndError(Exception):
    """A part did not stop in order."""


class Part:
    """One process, started again as often as need be; its output goes to a log.

    Attributes:
        name: of the part and its log.
        log: the file.
        deaths: exit statuses of ends that nobody here has asked for.
    """

    def __init__(
        self,
        name: str,
        command: Sequence[str],
        environment: Mapping[str, str],
        folder: Path,
        logs: Path | None = None,
    ) -> None:
        """Prepare to run a command in a folder; `logs` is the folder of its log, if that is another."""
        self.name = name
        self.log = (logs or folder) / f"{name}.log"
        self.deaths: list[int] = []
        self._command = command
        self._environment = environment
        self._folder = folder
        self._process: subprocess.Popen[bytes] | None = None
        self._is_asked_to_end = False
        self._starting = threading.Lock()

    @property
    def is_up(self) -> bool:
        """Whether the process runs (a frozen one does)."""
        return self._process is not None and self._process.poll() is None

    @property
    def pid(self) -> int:
        """The process's id.

        Raises:
            ProcessLookupError: it does not run.
        """
        if self._process is None or not self.is_up:
            raise ProcessLookupError
        return self._process.pid

    def start(self, variables: Mapping[str, str] | None = None, errors: int | None = None) -> None:
        """Start it, unless it is up.

        Args:
            variables: over those of its environment, for this start.
            errors: a descriptor for its stderr, instead of the log.
        """
        with self._starting:
            if self.is_up:
                return
            if self._process is not None and not self._is_asked_to_end:
                self.deaths.append(self._process.returncode)
            self._is_asked_to_end = False
            with self.log.open("ab") as log:
                self._process = subprocess.Popen(
                    self._command,
                    cwd=self._folder,
                    env={**self._environment, **(variables or {})},
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=log if errors is None else errors,
                    start_new_session=True,
                )

    def supervise(self) -> None:
        """Start it again if it has ended and nobody here has asked for that."""
        if self._process is not None and not self._is_asked_to_end:
            self.start()

    def stop(self) -> int:
        """Ask it to end, wait, and return its exit status.

        Raises:
            subprocess.TimeoutExpired: it does not end.
        """
        if self._process is None:
            return 0
        self._is_asked_to_end = True
        self._process.terminate()
        return self._process.wait(_STOP_SECONDS)

    def stop_in_order(self) -> None:
        """Ask it to end.

        Raises:
            BadEndError: it reports that something went wrong.
        """
        # One that is still starting ends by the signal itself.
        if (status := self.stop()) not in {0, -signal.SIGTERM}:
            raise BadEndError(f"{self.name} exited with status {status} when asked to stop.")

    def kill(self) -> None:
        """Kill it and all its children at once, like a power cut."""
        if self._process is not None:
            self._is_asked_to_end = True
            self._signal(signal.SIGKILL)
            self._process.wait()

    def freeze(self) -> None:
        """Suspend it in the middle of its work."""
        self._signal(signal.SIGSTOP)

    def thaw(self) -> None:
        """Resume it."""
        self._signal(signal.SIGCONT)

    def _signal(self, number: signal.Signals) -> None:
        if self.is_up and self._process is not None:
            os.killpg(self._process.pid, number)
