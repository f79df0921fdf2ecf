"""A system under measurement: the receiver and worker of some design, their database and their queue."""

import http.client
import sys
import time
import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import pika
import psycopg

from benchmarks.cpu import CpuAccount, rabbitmq_pid
from benchmarks.ground import Ground
from benchmarks.processes import Processes, free_port, processes
from runtime.addresses import is_postgres

_START_SECONDS = 60.0

_ALL_TABLES = """
SELECT string_agg(format('%I.%I', table_schema, table_name), ', ') FROM information_schema.tables
WHERE table_schema IN ('rollcall', 'rollcall_queue') AND table_type = 'BASE TABLE' AND table_name <> 'alembic_version'
"""


@dataclass(frozen=True, slots=True)
class Design:
    """A way to build it.

    Attributes:
        receiver: the receiver's command.
        worker: the worker's command; none if the receiver keeps nothing.
        queue: the name of its queue in RabbitMQ.
    """

    receiver: Sequence[str]
    worker: Sequence[str] = ()
    queue: str = ""


def rollcall(receivers: int = 1, workers: int = 1) -> Design:
    """Return Rollcall with this many processes."""
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


@dataclass(frozen=True, slots=True)
class System:
    """A running design.

    Attributes:
        design: which one.
        port: of the receiver.
        database_url: of its tables.
        broker_url: of its queue.
        processes: receiver and worker.
        servers: the process ids of Postgres and RabbitMQ, if it uses them.
    """

    design: Design
    port: int
    database_url: str
    broker_url: str
    processes: Processes
    servers: dict[str, int]

    def account(self) -> CpuAccount:
        """Return the CPU account of all its parts."""
        return CpuAccount({**self.processes.pids, **self.servers})

    def empty(self) -> None:
        """Empty ledger, tables and queue, so that all rounds begin alike."""
        if not self.design.queue:
            return
        with psycopg.connect(self.database_url, autocommit=True) as connection:
            tables = connection.execute(_ALL_TABLES.encode()).fetchone()
            connection.execute(f"TRUNCATE {tables[0] if tables else ''}".encode())
        if not is_postgres(self.broker_url):
            with pika.BlockingConnection(pika.URLParameters(self.broker_url)) as broker:
                broker.channel().queue_purge(self.design.queue)


@contextmanager
def running(
    ground: Ground, design: Design, public_key: str, *, queue: str = "postgres", works: bool = True
) -> Iterator[System]:
    """Run a design on an empty database with the queue `queue`, with its worker if `works`."""
    with ground.database(f"run_{uuid.uuid4().hex[:8]}") as database_url:
        broker_url = database_url if queue == "postgres" or not ground.rabbitmq_url else ground.rabbitmq_url
        port = free_port()
        settings = {"DATABASE_URL": database_url, "BROKER_URL": broker_url, "PORT": str(port)}
        with processes({"WEBHOOK_PUBLIC_KEYS": public_key, **settings}) as started:
            started.start("receiver", design.receiver)
            if works and design.worker:
                started.start("worker", design.worker)
            wait_until_ready(started, port)
            servers = {"postgres": ground.postgres.pid} if design.queue else {}
            beam = rabbitmq_pid() if design.queue and not is_postgres(broker_url) else None
            yield System(
                design,
                port,
                database_url,
                broker_url,
                started,
                servers if beam is None else {**servers, "rabbitmq": beam},
            )


def wait_until_ready(started: Processes, port: int) -> None:
    """Wait until a receiver answers. Any answer counts: only Rollcall's receiver has the path.

    Raises:
        RuntimeError: it does not in a minute.
    """
    deadline = time.monotonic() + _START_SECONDS
    while time.monotonic() < deadline and started.are_alive():
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=1)
        try:
            connection.request("GET", "/readyz")
            if connection.getresponse().status in {http.HTTPStatus.OK, http.HTTPStatus.NOT_FOUND}:
                return
        except (OSError, http.client.HTTPException):
            pass
        finally:
            connection.close()
        time.sleep(0.05)
    raise RuntimeError(f"A system was not ready within {_START_SECONDS} s:\n{started.complaints()}")
