"""A receiver process under attack, and a vendor who meanwhile delivers twenty events a second to it."""

import itertools
import os
import resource
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
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
# What the attacked process may take at its height, in KiB.
MOST_MEMORY = 250 * 1024
# Good deliveries that must have come in while an attack went on.
LEAST_DELIVERIES = 20


class Target:
    """A receiver process. Its queue is away: what it keeps goes to its spool."""

    def __init__(self, folder: Path, key: RSAPrivateKey, descriptors: int | None = None) -> None:
        self.key = key
        self.receiver = RunningReceiver(free_port())
        self.metrics_port = free_port()
        self._log = folder / "log"
        environment = {
            "PATH": os.environ["PATH"],
            "PYTHONPATH": str(ROOT),
            "BROKER_URL": f"postgresql://127.0.0.1:{free_port()}/away",
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

    def most_memory(self) -> int:
        """Return what it has taken at its height, in KiB."""
        status = Path(f"/proc/{self.process.pid}/status").read_text(encoding="ascii")
        [line] = [line for line in status.splitlines() if line.startswith("VmHWM:")]
        return int(line.split()[1])


class Vendor:
    """Delivers events, each once and none again, and remembers what it was told."""

    def __init__(self, target: Target) -> None:
        self.answers: list[int | str] = []
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
            self.answers.append(self._post(body))

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
    target = Target(folder, key, descriptors)
    try:
        wait_until(target.is_ready, "the receiver is ready")
        yield target
    finally:
        target.process.kill()
        target.process.wait()


@contextmanager
def delivering(target: Target) -> Iterator[Vendor]:
    """Deliver; at the end nothing good was refused, and the receiver has stayed within its bounds."""
    with Vendor(target) as vendor:
        yield vendor
        vendor.wait()
    assert set(vendor.answers) == {200}
    assert target.most_memory() < MOST_MEMORY


@pytest.fixture(scope="module")
def target(tmp_path_factory: pytest.TempPathFactory, key: RSAPrivateKey) -> Iterator[Target]:
    """One receiver for all attacks: it has to outlive each of them."""
    with running(tmp_path_factory.mktemp("receiver"), key) as target:
        yield target


@pytest.fixture
def vendor(target: Target) -> Iterator[Vendor]:
    with delivering(target) as vendor:
        yield vendor
