"""Child processes in the foreground: prefixes their output with their names, and stops them in order.

honcho does much of this, but it stops all of them at once and kills after five seconds; here the receiver must stop
before the worker, and all before the database, each with the time it needs.
"""

import contextlib
import json
import os
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import IO, TextIO

from console.screen.plain_text import plain

# Longer than the processes' own timeouts.
_STOP_SECONDS = 30.0
_POLL_SECONDS = 0.1
_COLOURS = ("36", "32", "35", "33")  # cyan, green, magenta, yellow
_NAME_WIDTH = 11


@dataclass(frozen=True, slots=True)
class Child:
    """A child process.

    Attributes:
        name: what its output is marked with.
        process: the process.
        reader: passes its output on.
        is_optional: whether the others go on without it.
    """

    name: str
    process: subprocess.Popen[bytes]
    reader: threading.Thread
    is_optional: bool


class Foreground:
    """The children, in the order in which they were started and will be stopped."""

    def __init__(self, output: TextIO) -> None:
        """Create a foreground without children.

        Args:
            output: receives the children's output; formatted if it is a terminal, otherwise unchanged.
        """
        self._output = output
        self._terminal = output.isatty()
        self._writing = threading.Lock()
        self._children: list[Child] = []
        self._missed: set[str] = set()

    def start(
        self, name: str, command: Sequence[str], environment: Mapping[str, str], *, is_optional: bool = False
    ) -> None:
        """Start a child in a separate session, out of reach of a terminal's Ctrl-C: it is stopped in order.

        Args:
            name: what its output is marked with.
            command: the program and its arguments.
            environment: its variables.
            is_optional: whether the others go on without it, with a warning.
        """
        process = subprocess.Popen(  # noqa: S603 - our own interpreter and modules
            command,
            env=dict(environment),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        colour = _COLOURS[len(self._children) % len(_COLOURS)]
        reader = threading.Thread(target=self._read, args=(name, colour, process.stdout), daemon=True)
        reader.start()
        self._children.append(Child(name, process, reader, is_optional))

    def wait_for_end(self, until: Callable[[], bool] = lambda: False) -> str | None:
        """Wait until a child ends and return which and how; or None once `until` is true."""
        while not until():
            for child in self._children:
                status = child.process.poll()
                if status is not None and not child.is_optional:
                    return f"{child.name} {_how_it_ended(status)}"
                if status is not None and child.name not in self._missed:
                    self._missed.add(child.name)
                    child.reader.join(1.0)
                    self.say(f"The {child.name} {_how_it_ended(status)}; everything else goes on without it.")
            time.sleep(_POLL_SECONDS)
        return None

    def stop(self, hurry: Callable[[], bool]) -> None:
        """Stop the children in order.

        Args:
            hurry: polled while waiting; once it is true, the remaining ones are killed.
        """
        for child in self._children:
            _stop(child.process, hurry)
            # Show a child's last output, but don't wait if its own children keep the pipe open.
            child.reader.join(1.0)

    def has(self, name: str) -> bool:
        """Return whether a child is running."""
        return any(child.name == name and child.process.poll() is None for child in self._children)

    def say(self, text: str) -> None:
        """Print a line. Errors of a closed terminal are ignored."""
        with self._writing, contextlib.suppress(OSError, ValueError):
            print(text, file=self._output, flush=True)

    def _read(self, name: str, colour: str, pipe: IO[bytes]) -> None:
        prefix = f"{name:<{_NAME_WIDTH}} | "
        if self._terminal:
            prefix = f"\033[{colour}m{prefix}\033[0m"
        with pipe:
            for line in pipe:
                text = line.decode("utf-8", "replace").rstrip("\r\n")
                self.say(prefix + (plain(readable(text)) if self._terminal else text))


def readable(line: str) -> str:
    """Format a log line for reading: `{"event": "worker_started", "threads": 2, …}` as `worker_started threads=2`."""
    try:
        fields = json.loads(line)
    except ValueError:
        return line
    if not isinstance(fields, dict) or "event" not in fields:
        return line
    at, level, event = (str(fields.pop(name, "")) for name in ("at", "level", "event"))
    head = [at[11:19], level if level != "info" else "", event]
    return " ".join(part for part in (*head, *(f"{name}={value}" for name, value in fields.items())) if part)


def _stop(process: subprocess.Popen[bytes], hurry: Callable[[], bool]) -> None:
    if process.poll() is None:
        process.send_signal(signal.SIGTERM)
    deadline = time.monotonic() + _STOP_SECONDS
    while process.poll() is None and time.monotonic() < deadline and not hurry():
        time.sleep(_POLL_SECONDS)
    # Also kill children that it left in its process group.
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def _how_it_ended(status: int) -> str:
    if status >= 0:
        return f"ended with exit code {status}"
    return f"was killed by {signal.Signals(-status).name}"
