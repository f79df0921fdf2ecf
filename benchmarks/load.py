"""The load: closed loops that post signed events, run by wrk if installed, else by a small program of ours.

The vendor opens a connection per delivery (`close`). Persistent connections (`keep-alive`) are the harder comparison
with the floor, because less of the time goes into what both must do.
"""

import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec

WRK = shutil.which("wrk")
_SCRIPT = Path(__file__).parent / "wrk.lua"
# Longer than any answer may take; a run that reaches it is broken.
_ANSWER_SECONDS = 10
_STOP_SECONDS = 20.0
_NO_END = 3600


class BrokenLoadError(Exception):
    """Not every request was answered with 200, so the measurement is invalid."""


class Load(msgspec.Struct, frozen=True):
    """The result of a load.

    Attributes:
        requests: the number answered.
        seconds: how long it took.
        refused: answers other than 200.
        broken: requests without an answer.
        p50_ms: the median time to an answer.
        p99_ms: its 99th percentile.
    """

    requests: int
    seconds: float
    refused: int
    broken: int
    p50_ms: float
    p99_ms: float

    @property
    def answers_per_second(self) -> float:
        """Answers with 200 per second."""
        return self.requests / self.seconds


def post_for(seconds: int, port: int, requests: Path, connections: int) -> Load:
    """Post the requests of a file, repeating them, for this many seconds.

    Raises:
        BrokenLoadError: not all were answered with 200.
    """
    command = _command(port, requests, connections, seconds, once=False)
    done = subprocess.run(command, capture_output=True, check=False, timeout=seconds + 60)
    return _read(done.stdout, done.stderr)


@contextmanager
def posting_once(port: int, requests: Path, connections: int) -> Iterator["subprocess.Popen[bytes]"]:
    """Post each request of a file exactly once, in the background.

    Leave the context once all of them have arrived.

    Raises:
        BrokenLoadError: not all were answered with 200.
    """
    command = _command(port, requests, connections, _NO_END, once=True)
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    try:
        yield process
        process.send_signal(signal.SIGINT)
        output, complaints = process.communicate(timeout=_STOP_SECONDS)
    finally:
        process.kill()
        process.wait()
    _read(output, complaints)


def _command(port: int, requests: Path, connections: int, seconds: int, *, once: bool) -> list[str]:
    mode = ["once"] if once else []
    if WRK is None:
        own = [sys.executable, "-m", "benchmarks.own_load", str(port), str(requests), str(connections), str(seconds)]
        return own + mode
    url = f"http://127.0.0.1:{port}/webhook"
    options = ["-t1", f"-c{connections}", f"-d{seconds}s", f"--timeout={_ANSWER_SECONDS}s", "-s", str(_SCRIPT)]
    return [WRK, *options, url, "--", str(requests), *mode]


def _read(output: bytes, complaints: bytes) -> Load:
    line = next((line for line in output.splitlines() if line.startswith(b"{")), None)
    if line is None:
        raise BrokenLoadError(f"The load generator did not run: {(complaints or output).decode()[-500:]}")
    load = msgspec.json.decode(line, type=Load)
    if load.refused or load.broken:
        raise BrokenLoadError(f"Of {load.requests} requests {load.refused} were refused and {load.broken} broke.")
    return load
