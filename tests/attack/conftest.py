"""A receiver process under attack, and a vendor who meanwhile delivers twenty events a second to it."""

import itertools
import os
import resource
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Self

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey

from tests.processes import ROOT, free_port
from tests.receiver.running import RunningReceiver, public_pem, sign, wait_until

# Seconds between two deliveries, and after which one without an answer counts as refused: not a bound of what is
# promised, which a busy machine would miss, but a sign that something stands still.
PACE = 0.05
PATIENCE = 20.0
# The slowest good answer, in seconds. Not of the clock alone, which tells how busy the machine is: what the receiver
# waited for a CPU is taken off, and a receiver that nobody attacks, asked in the same way at the same time, may be as
# slow.
SLOWEST = 1.0
# A receiver refuses what it can't keep within the vendor's patience. That is the machine's doing if it had no CPU for
# so many seconds meanwhile.
TRY_AGAIN, STARVED = 503, 0.3
# What the attacked process may take at its height, in KiB.
MOST_MEMORY = 250 * 1024
MEMORY = Path("/dev/shm")
# Good deliveries that must have come in while an attack went on.
LEAST_DELIVERIES = 20


class Target:
    """A receiver process. Its queue is away: what it keeps goes to its spool."""

    def __init__(self, folder: Path, var: Path, key: RSAPrivateKey, descriptors: int | None = None) -> None:
        self.key = key
        self.receiver = RunningReceiver(free_port())
        self.metrics_port = free_port()
        self._log = folder / "log"
        environment = {
            "PATH": os.environ["PATH"],
            "PYTHONPATH": str(ROOT),
            "BROKER_URL": f"postgresql://127.0.0.1:{free_port()}/away",
            "VAR_DIR": str(var),
            "WEBHOOK_PUBLIC_KEYS": public_pem(key),
            "PORT": str(self.receiver.port),
            "METRICS_PORT": str(self.metrics_port),
        }

        with self._log.open("wb") as log:
            self.process = subprocess.Popen([sys.executable, "-m", "receiver"], cwd=folder, env=environment, stderr=log)
        if descriptors is not None:
            resource.prlimit(self.process.pid, resource.RLIMIT_NOFILE, (descriptors, descriptors))

    def is_ready(self) -> bool:
        assert self.process.poll() is None, self._log.read_text()
        try:
            return self.receiver.ask("GET", "/readyz").status == 200
        except OSError:
            return False

    def figures(self) -> str:
        return RunningReceiver(self.metrics_port).ask("GET", "/metrics").content.decode()

    def log(self) -> str:
        return self._log.read_text()

    def waited_for_cpu(self, threads: str = "*") -> float:
        """Return for how many seconds its threads could have run and had no CPU; 0 where the system does not say."""
        waited = 0
        for path in Path(f"/proc/{self.process.pid}/task").glob(f"{threads}/schedstat"):
            with suppress(OSError):  # a thread that has ended
                waited += int(path.read_text(encoding="ascii").split()[1])
        return waited / 1e9

    def event_loop_waited_for_cpu(self) -> float:
        """Return the same for the thread that everything passes through."""
        return self.waited_for_cpu(str(self.process.pid))

    def most_memory(self) -> int:
        """Return what it has taken at its height, in KiB."""
        status = Path(f"/proc/{self.process.pid}/status").read_text(encoding="ascii")
        [line] = [line for line in status.splitlines() if line.startswith("VmHWM:")]
        return int(line.split()[1])


class Vendor:
    """Delivers events, each once and none again, and remembers what it was told, and how slowly.

    Attributes:
        answers: statuses, and errors where there was no answer; refusals by a receiver without a CPU aside.
        slowest: seconds that an answer took, less those for which the receiver waited for a CPU.
        asked_at: when the delivery under way began, by the monotonic clock.
    """

    def __init__(self, target: Target) -> None:
        self.answers: list[int | str] = []
        self.slowest = 0.0
        self.asked_at = time.monotonic()
        self._target = target
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._deliver)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()

    def wait(self) -> None:
        """Wait until a good many more deliveries have been answered."""
        enough = len(self.answers) + LEAST_DELIVERIES
        wait_until(lambda: len(self.answers) >= enough, "the vendor has delivered", seconds=60)

    def _deliver(self) -> None:
        for number in itertools.count():
            if self._stop.wait(PACE):
                return
            body = b'{"event":"meeting.started","number":%d}' % number
            loop_waited, all_waited = self._target.event_loop_waited_for_cpu(), self._target.waited_for_cpu()
            self.asked_at = time.monotonic()
            answer = self._post(body)
            took = time.monotonic() - self.asked_at
            self.slowest = max(self.slowest, took - (self._target.event_loop_waited_for_cpu() - loop_waited))
            if answer != TRY_AGAIN or self._target.waited_for_cpu() - all_waited < STARVED:
                self.answers.append(answer)

    def _post(self, body: bytes) -> int | str:
        headers = {"rtk-signature": sign(self._target.key, body), "connection": "close"}
        try:
            return self._target.receiver.ask("POST", "/webhook", body, headers, patience=PATIENCE).status
        except OSError as error:
            return repr(error)


@pytest.fixture(scope="session", autouse=True)
def descriptors() -> None:
    """Allow this process as many connections as the system lets it have."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))


@pytest.fixture(scope="session")
def key() -> RSAPrivateKey:
    """The vendor's key."""
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


@contextmanager
def running(folder: Path, key: RSAPrivateKey, descriptors: int | None = None) -> Iterator[Target]:
    """Run a receiver, with so many file descriptors at most."""
    # In memory, where there is such a disk: how soon others let a disk write says nothing of an attack.
    with tempfile.TemporaryDirectory(dir=MEMORY if MEMORY.exists() else folder, prefix="rollcall-") as var:
        target = Target(folder, Path(var), key, descriptors)
        try:
            wait_until(target.is_ready, "the receiver is ready", seconds=60)
            yield target
        finally:
            target.process.kill()
            target.process.wait()


@contextmanager
def delivering(target: Target, calm: Target) -> Iterator[Vendor]:
    """Deliver; at the end nothing good was refused, and the receiver has stayed within its bounds.

    Args:
        target: the receiver under attack.
        calm: another one, that is not.
    """
    with Vendor(calm) as control, Vendor(target) as vendor:
        yield vendor
        vendor.wait()
    assert set(vendor.answers) == {200}
    assert target.most_memory() < MOST_MEMORY
    assert vendor.slowest < SLOWEST + control.slowest


@pytest.fixture(scope="module")
def target(tmp_path_factory: pytest.TempPathFactory, key: RSAPrivateKey) -> Iterator[Target]:
    """One receiver for all attacks: it has to outlive each of them."""
    with running(tmp_path_factory.mktemp("receiver"), key) as target:
        yield target


@pytest.fixture(scope="session")
def calm(tmp_path_factory: pytest.TempPathFactory, key: RSAPrivateKey) -> Iterator[Target]:
    """A receiver that nobody attacks."""
    with running(tmp_path_factory.mktemp("calm"), key) as calm:
        yield calm


@pytest.fixture
def vendor(target: Target, calm: Target) -> Iterator[Vendor]:
    with delivering(target, calm) as vendor:
        yield vendor
