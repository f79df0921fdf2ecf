"""Receiver and worker as processes: posts signed deliveries and waits for the resulting rows."""

import http.client
import os
import random
import socket
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

import psycopg
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey

from tests.receiver.running import Answer, RunningReceiver, public_pem, sign, wait_until

ROOT = Path(__file__).parents[1]
PREFIXES = {"dyte": "dyte", "realtimekit": "rtk"}


def free_port() -> int:
    """Return a port that is free, as is the next one, below the range of outgoing connections."""
    while True:
        port = random.randrange(15000, 32000, 2)
        with (
            suppress(OSError),
            socket.create_server(("127.0.0.1", port)),
            socket.create_server(("127.0.0.1", port + 1)),
        ):
            return port


class System:
    """A receiver and a worker as processes in a separate folder, with Postgres as the queue."""

    def __init__(
        self, folder: Path, database_url: str, key: RSAPrivateKey, settings: dict[str, str], prefix: Sequence[str] = ()
    ) -> None:
        """Start nothing yet; `prefix` comes before each process's command."""
        self._prefix = prefix
        self.folder = folder
        self.database_url = database_url
        self.receiver = RunningReceiver(free_port())
        self._key = key
        self.environment = {
            "PATH": os.environ["PATH"],
            "PYTHONPATH": str(ROOT),
            "DATABASE_URL": database_url,
            "WEBHOOK_PUBLIC_KEYS": public_pem(key),
            "PORT": str(self.receiver.port),
            "METRICS_PORT": str(free_port()),
            **settings,
        }

    def start(self, module: str, *arguments: str, **variables: str) -> "subprocess.Popen[bytes]":
        """Start `python -m module`, `variables` over the system's; its output goes to `module.log`."""
        with self.log(module).open("ab") as log:
            return subprocess.Popen(
                [*self._prefix, sys.executable, "-m", module, *arguments],
                cwd=self.folder,
                env={**self.environment, **variables},
                stdout=log,
                stderr=log,
            )

    def rollcall(self, *arguments: str) -> str:
        """Return everything that a `rollcall` command prints."""
        command = [*self._prefix, sys.executable, "-c", "from console.main import main; main()", *arguments]
        done = subprocess.run(
            command, cwd=self.folder, env=self.environment, capture_output=True, check=False, timeout=120
        )
        return (done.stdout + done.stderr).decode()

    def log(self, module: str) -> Path:
        return self.folder / f"{module}.log"

    def post(self, body: bytes, provider: str, delivery_uuid: str, webhook_id: str = "webhook-1") -> Answer:
        """Post a body as the vendor does."""
        prefix = PREFIXES[provider]
        names = {"signature": sign(self._key, body), "uuid": delivery_uuid, "webhook-id": webhook_id}
        headers = {f"{prefix}-{name}": value for name, value in names.items()}
        return self.receiver.ask("POST", "/webhook", body, {"connection": "close", **headers})

    def wait_for(self, deliveries: int) -> None:
        """Return once the ledger holds this many deliveries and the queue is empty."""
        with psycopg.connect(self.database_url, autocommit=True) as connection:
            wait_until(
                lambda: (
                    count(connection, "rollcall.deliveries") >= deliveries
                    and not count(connection, "rollcall_queue.queue")
                ),
                f"the ledger holds {deliveries} deliveries",
                seconds=60,
            )

    def is_ready(self) -> bool:
        try:
            return self.receiver.ask("GET", "/readyz").status == 200
        except (OSError, http.client.HTTPException):
            return False


@contextmanager
def run_system(
    folder: Path, database_url: str, *, receiver_url: str | None = None, **settings: str
) -> Iterator[System]:
    """Run a receiver and a worker; both end with the context. `receiver_url` is its database's, if it has another."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    system = System(folder, database_url, key, settings)
    with ExitStack() as ending:
        for module in ("receiver", "workers"):
            own = {"DATABASE_URL": receiver_url} if receiver_url and module == "receiver" else {}
            process = system.start(module, **own)
            ending.callback(process.wait, 30)
            ending.callback(process.terminate)
        wait_until(system.is_ready, "the receiver is ready", seconds=60)
        yield system


def count(connection: psycopg.Connection[tuple[int, ...]], table: str) -> int:
    row = connection.execute(f"SELECT count(*) FROM {table}").fetchone()
    return row[0] if row else 0
