"""The stage: a Postgres, a queue, receivers and workers, all private, with TCP proxies in between."""

import http.client
import os
import shutil
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Literal

from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from benchmarks.chaos.part import Part
from benchmarks.chaos.pooler import Pooler
from benchmarks.chaos.ports import free_port
from benchmarks.chaos.rabbitmq_nodes import RabbitmqNode, rabbitmq_nodes
from benchmarks.chaos.waiting import wait_until
from console.embedded.server import EmbeddedPostgres
from migrations.apply import migrate_database
from tests.faults.tcp_proxy import TcpProxy
from tests.queues import proxy_of, through

Queue = Literal["postgres", "rabbitmq", "cluster"]

ROOT = Path(__file__).parents[2]
_START_SECONDS = 120.0
_NODES = {"postgres": 0, "rabbitmq": 1, "cluster": 3}


class Stage:
    """All that runs.

    Attributes:
        folder: where it runs and logs.
        queue: the kind of queue, or the URL of a RabbitMQ that is not the stage's own.
        key: what deliveries must be signed with.
        postgres: the database's server, and the queue's if that is Postgres.
        nodes: the queue's, if that is RabbitMQ.
        to_queue: the proxies between receivers and queue, one a server.
        from_queue: those between workers and queue.
        to_database: the proxy between workers and database.
        receivers: two of them.
        workers: two of them.
        ports: of the receivers.
        pooler: what stands between the proxies and Postgres, if anything does.
        foreign: messages that others have written to the queue, and that have to be parked in the end.
    """

    def __init__(self, folder: Path, queue: Queue | str, postgres_settings: Mapping[str, str] | None = None) -> None:
        self.folder = folder
        self.queue = queue
        self.key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        self.postgres = EmbeddedPostgres(folder / "postgres", postgres_settings)
        self.nodes: Sequence[RabbitmqNode] = rabbitmq_nodes(_NODES[queue], folder) if _NODES.get(queue) else ()
        self.to_queue: list[TcpProxy] = []
        self.from_queue: list[TcpProxy] = []
        self.to_database: TcpProxy
        self.receivers: list[Part] = []
        self.workers: list[Part] = []
        self.ports: list[int] = []
        self.foreign = 0
        self.pooler: Pooler | None = None

    @property
    def database_url(self) -> str:
        """The database, not through a proxy."""
        return self.postgres.url()

    @property
    def spool(self) -> Path:
        """The folder of the receivers' spool."""
        return self.folder / "spool"

    @property
    def broker_urls(self) -> list[str]:
        """The queue's servers, not through proxies."""
        if self.nodes:
            return [node.url for node in self.nodes]
        return [self.database_url if self.queue == "postgres" else self.queue]

    def set_up(
        self, ending: ExitStack, settings: Mapping[str, str], *, worker: Sequence[str], pooled: bool = False
    ) -> None:
        """Start everything; it ends with `ending`. `settings` go over those of receivers and workers."""
        self.postgres.start()
        ending.callback(self.postgres.stop)
        migrate_database(self.database_url)
        if pooled:
            self.pooler = Pooler(self.database_url, self.folder)
            ending.callback(self.pooler.part.kill)
            self.pooler.part.start()
        served = self.pooler.url if self.pooler else self.database_url
        for node in self.nodes:
            ending.callback(node.part.kill)
            node.part.start()
            wait_until(node.answers, f"{node.name} answers", _START_SECONDS)
        queues = [served if url == self.database_url else url for url in self.broker_urls]
        self.to_queue = [ending.enter_context(proxy_of(url)) for url in queues]
        self.from_queue = [ending.enter_context(proxy_of(url)) for url in queues]
        self.to_database = ending.enter_context(proxy_of(served))
        self.ports = [free_port() for _ in range(2)]
        public_key = self.key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
        shared = {
            "PATH": os.environ["PATH"],
            "PYTHONPATH": str(ROOT),
            "DATABASE_URL": through(self.to_database, self.database_url),
            "SPOOL_DIR": str(self.spool),
            "WEBHOOK_PUBLIC_KEYS": public_key.decode("ascii"),
            **settings,
        }
        shared = {name: value for name, value in shared.items() if value}
        for number, port in enumerate(self.ports, start=1):
            receiving = {**shared, "BROKER_URL": self._broker_url(self.to_queue), "PORT": str(port)}
            self.receivers.append(self._part(f"receiver-{number}", "receiver", (), receiving))
            working = {**shared, "BROKER_URL": self._broker_url(self.from_queue)}
            self.workers.append(self._part(f"worker-{number}", "workers", worker, working))
        for part in (*self.receivers, *self.workers):
            ending.callback(part.kill)
            part.start()
        wait_until(self.is_ready, "the receivers are ready", _START_SECONDS)

    def is_ready(self) -> bool:
        """Return whether every receiver says that it takes deliveries."""
        return all(map(receiver_is_ready, self.ports))

    def repair(self) -> None:
        """End every fault that may still be on: all parts run, all proxies pass on."""
        for proxy in (*self.to_queue, *self.from_queue, self.to_database):
            proxy.delay(0)
            proxy.admit()
            proxy.thaw()
        poolers = [self.pooler.part] if self.pooler else []
        for part in (*poolers, *(node.part for node in self.nodes), *self.receivers, *self.workers):
            part.thaw()
            part.start()

    def _part(self, name: str, module: str, arguments: Sequence[str], environment: Mapping[str, str]) -> Part:
        command = [sys.executable, "-m", module, *arguments]
        return Part(name, command, {**environment, "METRICS_PORT": str(free_port())}, self.folder)

    def _broker_url(self, proxies: Sequence[TcpProxy]) -> str:
        return ";".join(through(proxy, url) for proxy, url in zip(proxies, self.broker_urls, strict=True))


@contextmanager
def set_stage(
    queue: Queue | str,
    *,
    postgres_settings: Mapping[str, str] | None = None,
    settings: Mapping[str, str] | None = None,
    worker: Sequence[str] = (),
    pooled: bool = False,
) -> Iterator[Stage]:
    """Run a stage in a temporary folder.

    Args:
        queue: the kind of queue, or the URL of a RabbitMQ that is there.
        postgres_settings: over those of the embedded Postgres.
        settings: of receivers and workers, over ours.
        worker: arguments of the workers.
        pooled: whether Postgres is reached through pgbouncer.
    """
    # A short path without links in it, that the server's account can reach.
    folder = Path(tempfile.mkdtemp(prefix="rollcall-")).resolve()
    folder.chmod(0o711)
    try:
        with ExitStack() as ending:
            stage = Stage(folder, queue, postgres_settings)
            stage.set_up(ending, settings or {}, worker=worker, pooled=pooled)
            yield stage
    finally:
        if not os.environ.get("ROLLCALL_KEEP_STAGE"):
            shutil.rmtree(folder, ignore_errors=True)


def receiver_is_ready(port: int) -> bool:
    """Return whether the receiver at a port says that it takes deliveries."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=2)
    try:
        connection.request("GET", "/readyz")
        return connection.getresponse().status == http.HTTPStatus.OK
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()
