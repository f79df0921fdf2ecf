from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Protocol

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey

from receiver.app import create_app
from receiver.connections import Connections
from receiver.keys.public_key import read_public_keys
from receiver.settings import ReceiverSettings
from runtime.var_folder import VarFolder
from tests.receiver.key_server import KeyServer, run_key_server
from tests.receiver.list_keeper import ListKeeper
from tests.receiver.running import RunningReceiver, public_pem, run


class MovableClock:
    """The present time, as the test says."""

    def __init__(self) -> None:
        self.now = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now

    def move(self, **time: float) -> None:
        self.now += timedelta(**time)


class Start(Protocol):
    def __call__(
        self, *, settings: dict[str, Any] | None = None, connections: Connections | None = None, **parts: Any
    ) -> RunningReceiver: ...


@pytest.fixture(scope="session")
def make_key() -> Callable[[], RSAPrivateKey]:
    return lambda: rsa.generate_private_key(public_exponent=65537, key_size=2048)


@pytest.fixture(scope="session")
def key(make_key: Callable[[], RSAPrivateKey]) -> RSAPrivateKey:
    """The vendor's key."""
    return make_key()


@pytest.fixture(scope="session")
def foreign_key(make_key: Callable[[], RSAPrivateKey]) -> RSAPrivateKey:
    """A key that nobody publishes, unless a test rotates to it."""
    return make_key()


@pytest.fixture
def clock() -> MovableClock:
    return MovableClock()


@pytest.fixture
def keeper() -> ListKeeper:
    return ListKeeper()


@pytest.fixture
def document(key: RSAPrivateKey) -> Iterator[KeyServer]:
    """A key document that holds the vendor's key."""
    with run_key_server() as server:
        server.serve_key(public_pem(key))
        yield server


@pytest.fixture
def start(tmp_path: Path, keeper: ListKeeper) -> Iterator[Start]:
    """Start receivers with given settings; by default they have no key document."""
    with ExitStack() as running:

        def start_one(
            *, settings: dict[str, Any] | None = None, connections: Connections | None = None, **parts: Any
        ) -> RunningReceiver:
            told = ReceiverSettings(
                **{
                    "broker_url": "postgresql://nowhere/",
                    "var_folder": VarFolder(tmp_path, tmp_path / "spool"),
                    "key_urls": (),
                    **(settings or {}),
                }
            )
            return running.enter_context(run(create_app(told, **{"keeper": keeper, **parts}), connections))

        yield start_one


@pytest.fixture
def receiver(start: Start, key: RSAPrivateKey) -> RunningReceiver:
    """A receiver with the vendor's key pinned, that takes bodies of 1000 bytes within half a second."""
    settings = {"public_keys": read_public_keys(public_pem(key)), "max_body_bytes": 1000}
    return start(settings=settings, body_seconds=0.5)
