"""The processes that are measured: a receiver of some design, and the worker that goes with it."""

import http.client
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pika
import psycopg

from benchmarks.cpu import CpuAccount, rabbitmq_pid
from benchmarks.events import CACHE
from benchmarks.ground import Ground
from workers.queue.address import is_postgres

ROOT = Path(__file__).parent.parent
_START_SECONDS = 60.0
_STOP_SECONDS = 30.0

# What empties the tables between two rounds, so that each begins with an empty ledger and an empty queue.
_ALL_TABLES = """
SELECT string_agg(format('%I.%I', table_schema, table_name), ', ') FROM information_schema.tables
WHERE table_schema IN ('rollcall', 'rollcall_queue') AND table_type = 'BASE TABLE' AND table_name <> 'alembic_version'
"""


@dataclass(frozen=True, slots=True)
class Design:
    """A way to build it.

    Attributes:
        receiver: the command that receives.
        worker: the command that works off the queue; none for what keeps nothing.
        queue: the name of its queue in RabbitMQ.
    """

    receiver: Sequence[str]
    worker: Sequence[str] = ()
    queue: str = ""


def rollcall(receivers: int = 1, workers: int = 1) -> Design:
    """Return Rollcall, by so many processes."""
    return Design(
        [sys.executable, "-m", "receiver", *(["--processes", str(receivers)] if receivers > 1 else [])],
        [sys.executable, "-m", "workers", *(["--processes", str(workers)] if workers > 1 else [])],
        "rollcall",
    )


FLOOR = Design([sys.executable, "-m", "benchmarks.floor"])
VERIFIED_FLOOR = Design([sys.executable, "-m", "benchmarks.floor", "--verify"])
PLAIN = Design(
    [sys.executable, "-m", "benchmarks.plain"],
    [sys.executable, "-m", "dramatiq", "benchmarks.plain_worker:create_broker"],
    "plain",
)


@dataclass
class System:
    """A design that runs.

    Attributes:
        port: where it takes webhooks.
        database_url: where its tables are.
        broker_url: where its queue is.
        parts: the processes by name, receiver, worker, postgres and rabbitmq, as far as it has them.
        environment: of the processes that it starts.
        folder: where they run and log.
        started: the processes that it has started.
    """

    design: Design
    port: int
    database_url: str
    broker_url: str
    parts: dict[str, int]
    environment: Mapping[str, str]
    folder: Path
    started: "list[subprocess.Popen[bytes]]" = field(default_factory=list)
    _running: ExitStack = field(default_factory=ExitStack)

    def account(self) -> CpuAccount:
        """Return the account of all its parts' CPU time."""
        return CpuAccount(self.parts)

    def start(self, part: str, command: Sequence[str]) -> None:
        """Start a process; it ends with the system."""
        with (self.folder / f"{part}.log").open("wb") as log:
            process = subprocess.Popen(
                command, cwd=self.folder, env=self.environment, stdout=log, stderr=log, start_new_session=True
            )
        self._running.callback(_stop, process)
        self.started.append(process)
        self.parts[part] = process.pid

    def empty(self) -> None:
        """Empty ledger, tables and queue."""
        if not self.design.queue:
            return
        with psycopg.connect(self.database_url, autocommit=True) as connection:
            tables = connection.execute(_ALL_TABLES.encode()).fetchone()
            connection.execute(f"TRUNCATE {tables[0] if tables else ''}".encode())
        if not is_postgres(self.broker_url):
            with pika.BlockingConnection(pika.URLParameters(self.broker_url)) as broker:
                broker.channel().queue_purge(self.design.queue)

    def complaints(self) -> str:
        """Return the end of what its processes have logged."""
        logs = (path.read_text(encoding="utf-8", errors="replace")[-1000:] for path in self.folder.glob("*.log"))
        return "\n".join(logs)


@contextmanager
def running(
    ground: Ground, design: Design, public_key: str, *, queue: str = "postgres", works: bool = True
) -> Iterator[System]:
    """Run a design on an empty database, with `queue` as its queue, and with its worker if it `works`."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="run-", dir=CACHE)))
        number = folder.name.removeprefix("run-").lower()
        database_url = ground.new_database(f"run_{number}") if design.queue else ground.postgres.url("postgres")
        broker_url = database_url if queue == "postgres" or not ground.rabbitmq_url else ground.rabbitmq_url
        system = System(
            design=design,
            port=_free_port(),
            database_url=database_url,
            broker_url=broker_url,
            parts={},
            environment={},
            folder=folder,
        )
        system.environment = {
            "PATH": os.environ["PATH"],
            "PYTHONPATH": str(ROOT),
            "DATABASE_URL": database_url,
            "BROKER_URL": broker_url,
            "WEBHOOK_PUBLIC_KEYS": public_key,
            "PORT": str(system.port),
            "METRICS_PORT": str(_free_port()),
        }
        stack.enter_context(system._running)  # noqa: SLF001 - this is its constructor
        system.start("receiver", design.receiver)
        if works and design.worker:
            system.start("worker", design.worker)
        if design.queue:
            system.parts["postgres"] = ground.postgres.pid
            beam = None if is_postgres(broker_url) else rabbitmq_pid()
            if beam:
                system.parts["rabbitmq"] = beam
        _wait_until_ready(system)
        yield system


def _wait_until_ready(system: System) -> None:
    # Any answer will do; that the whole of it works is shown by the warm-up.
    deadline = time.monotonic() + _START_SECONDS
    while time.monotonic() < deadline and all(process.poll() is None for process in system.started):
        connection = http.client.HTTPConnection("127.0.0.1", system.port, timeout=1)
        try:
            connection.request("GET", "/readyz")
            if connection.getresponse().status in {http.HTTPStatus.OK, http.HTTPStatus.NOT_FOUND}:
                return
        except (OSError, http.client.HTTPException):
            pass
        finally:
            connection.close()
        time.sleep(0.05)
    raise RuntimeError(f"{system.design.receiver} was not ready within {_START_SECONDS} s:\n{system.complaints()}")


def _stop(process: "subprocess.Popen[bytes]") -> None:
    process.terminate()
    try:
        process.wait(_STOP_SECONDS)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port: int = probe.getsockname()[1]
        return port
