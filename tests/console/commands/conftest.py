"""A system of which all works, for `rollcall doctor` to look at."""

import socket
from collections.abc import Iterator

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa

from tests.receiver.key_server import KeyServer, run_key_server
from tests.receiver.running import public_pem


@pytest.fixture(scope="module")
def pem() -> str:
    return public_pem(rsa.generate_private_key(public_exponent=65537, key_size=2048))


@pytest.fixture
def key_server(pem: str) -> Iterator[KeyServer]:
    with run_key_server() as server:
        server.serve_key(pem)
        yield server


@pytest.fixture
def silent_port() -> Iterator[int]:
    """A port that takes connections and never says a word."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


@pytest.fixture
def free_port() -> Iterator[int]:
    """A port where nobody listens."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        yield taken.getsockname()[1]


@pytest.fixture
def whole(database_url: str, key_server: KeyServer, free_port: int) -> dict[str, str]:
    """The settings of a system of which all works."""
    return {
        "DATABASE_URL": database_url,
        "WEBHOOK_KEY_URLS": key_server.url,
        "PORT": str(free_port),
        "ORGANIZATION_IDS": "o1",
    }
