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

import psycopg
from cryptography.fernet import Fernet
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from automations.secrets import Keyring
from benchmarks.chaos.disk import Disk, missing_for_disks
from benchmarks.chaos.endpoints import Endpoints, Mood
from benchmarks.chaos.part import Part
from benchmarks.chaos.pooler import Pooler
from benchmarks.chaos.ports import free_port
from benchmarks.chaos.rabbitmq_nodes import RabbitmqNode, rabbitmq_nodes
from benchmarks.chaos.standby import REPLICATED, copy_server, promote, wait_for_standby
from benchmarks.chaos.waiting import wait_until
from console.embedded.server import EmbeddedPostgres
from migrations.apply import migrate_database
from tests.faults.tcp_proxy import TcpProxy
from tests.queues import proxy_of, through

Queue = Literal["postgres", "rabbitmq", "cluster"]

ROOT = Path(__file__).parents[2]
_START_SECONDS = 120.0
# Sizes of disks that a fault can fill: roomy for what a run writes.
_DATA_DISK, _SPOOL_DISK, _LOG_DISK = "4g", "256m", "256m"
_NODES = {"postgres": 0, "rabbitmq": 1, "cluster": 3}


class Stage:
    """All that runs.

    Attributes:
        folder: where it runs and logs.
        queue: the kind of queue, or the URL of an existing RabbitMQ.
        key: what deliveries must be signed with.
        postgres: the database's server, and the queue's if that is Postgres; after a failover another one.
        postgres_folder: of its data.
        standby: that takes over, if there is one.
        standby_folder: of its data.
        nodes: the queue's, if that is RabbitMQ.
        to_queue: the proxies between receivers and queue, one a server.
        from_queue: those between workers and queue.
        to_database: those between workers and database.
        receivers: two of them.
        workers: two of them.
        automations: two of them, where messages are sent.
        endpoints: that they are sent to; None where none are.
        ports: of the receivers.
        pooler: what stands between the proxies and Postgres, if anything does.
        logs: the folder of the parts' logs.
        disks: that can be filled, by their folder; none where that can't be.
        why_no_disks: says why.
        left_out: faults that can't come here, and why.
        foreign: messages that others have written to the queue, and that have to be parked in the end.
    """

    def __init__(self, folder: Path, queue: Queue | str, postgres_settings: Mapping[str, str] | None = None) -> None:
        self.folder = folder
        self.queue = queue
        self.key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        self._postgres_settings = dict(postgres_settings or {})
        self.postgres_folder = folder / "postgres"
        self.postgres = EmbeddedPostgres(self.postgres_folder, postgres_settings)
        self.standby_folder = folder / "standby"
        self.standby: EmbeddedPostgres | None = None
        self.logs = folder / "logs"
        self.disks: dict[Path, Disk] = {}
        self.why_no_disks = "this stage has none"
        self.left_out: dict[str, str] = {}
        self.nodes: Sequence[RabbitmqNode] = rabbitmq_nodes(_NODES[queue], folder) if _NODES.get(queue) else ()
        self.to_queue: list[TcpProxy] = []
        self.from_queue: list[TcpProxy] = []
        self.to_database: list[TcpProxy] = []
        self.receivers: list[Part] = []
        self.workers: list[Part] = []
        self.automations: list[Part] = []
        self.endpoints: Endpoints | None = None
        self.ports: list[int] = []
        self.foreign = 0
        self.pooler: Pooler | None = None

    @property
    def database_url(self) -> str:
        """The database, not through a proxy."""
        return self.postgres.url()

    @property
    def own_parts(self) -> Sequence[Part]:
        """All processes of Rollcall."""
        return (*self.receivers, *self.workers, *self.automations)

    @property
    def python_path(self) -> str:
        """Where the parts find this code."""
        return str(ROOT)

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
        self, ending: ExitStack, settings: Mapping[str, str], *, worker: Sequence[str], pooled: bool, frail: bool
    ) -> None:
        """Start everything; it ends with `ending`. For the arguments see `set_stage`."""
        self.logs.mkdir()
        if frail:
            self._mount_disks(ending)
        if frail and not pooled:
            self._postgres_settings |= REPLICATED
            self.postgres = EmbeddedPostgres(self.postgres_folder, self._postgres_settings)
        self.postgres.start()
        ending.callback(self.postgres.stop)
        migrate_database(self.database_url)
        if frail and not pooled:
            self._add_standby(ending)
        if pooled:
            self.pooler = Pooler(self.database_url, self.folder)
            ending.callback(self.pooler.part.kill)
            self.pooler.part.start()
        for node in self.nodes:
            ending.callback(node.part.kill)
            node.part.start()
            wait_until(node.answers, f"{node.name} answers", _START_SECONDS)
        databases = [self.pooler.url] if self.pooler else [self.database_url]
        databases += [self.standby.url()] if self.standby else []
        queues = databases if self.queue == "postgres" else self.broker_urls
        self.to_queue = [ending.enter_context(proxy_of(url)) for url in queues]
        self.from_queue = [ending.enter_context(proxy_of(url)) for url in queues]
        self.to_database = [ending.enter_context(proxy_of(url)) for url in databases]
        self.ports = [free_port() for _ in range(2)]
        public_key = self.key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
        shared = {
            "PATH": os.environ["PATH"],
            "PYTHONPATH": self.python_path,
            "DATABASE_URL": self._database_url(self.to_database),
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
        if frail:
            self._add_automations(ending, shared)
        for part in self.own_parts:
            ending.callback(part.kill)
            part.start()
        wait_until(self.is_ready, "the receivers are ready", _START_SECONDS)

    def is_ready(self) -> bool:
        """Return whether every receiver says that it takes deliveries."""
        return all(map(receiver_is_ready, self.ports))

    def repair(self) -> None:
        """End every fault that may still be on: all parts run, all proxies pass on, disks have room."""
        for disk in self.disks.values():
            disk.make_room()
        if self.endpoints is not None:
            for endpoint in self.endpoints.moods:
                self.endpoints.turn(endpoint, Mood.GOOD)
        for proxy in (*self.to_queue, *self.from_queue, *self.to_database):
            proxy.delay(0)
            proxy.admit()
            proxy.thaw()
        poolers = [self.pooler.part] if self.pooler else []
        for part in (*poolers, *(node.part for node in self.nodes), *self.own_parts):
            part.thaw()
            part.start()

    def supervise(self) -> None:
        """Restart what has ended by itself, as a supervisor does."""
        for part in self.own_parts:
            part.supervise()

    def fail_over(self) -> None:
        """Let the standby take over from a dead primary, and make that one the new primary's standby."""
        assert self.standby is not None
        self.postgres.stop()
        promote(self.standby)
        self.postgres, self.standby = self.standby, self.postgres
        self.postgres_folder, self.standby_folder = self.standby_folder, self.postgres_folder
        self._start_standby()

    def _add_automations(self, ending: ExitStack, shared: Mapping[str, str]) -> None:
        self.endpoints = ending.enter_context(Endpoints())
        key = Fernet.generate_key()
        with psycopg.connect(self.database_url, autocommit=True) as connection:
            self.endpoints.add_to(connection, Keyring((Fernet(key),)))
        sending = {
            **shared,
            "SECRETS_KEY": key.decode(),
            "AUTOMATIONS_ALLOW": "127.0.0.1/32",
            "SETTLE_AFTER": "5s",
            "ANNOUNCE_WITHIN": "3650d",  # the load's events are of no present time
        }
        self.automations = [self._part(f"automations-{number}", "automations", (), sending) for number in (1, 2)]

    def _add_standby(self, ending: ExitStack) -> None:
        self.standby = EmbeddedPostgres(self.standby_folder, self._postgres_settings)
        ending.callback(self.standby.stop)
        self._start_standby()

    def _start_standby(self) -> None:
        assert self.standby is not None
        copy_server(self.postgres, self.standby_folder)
        self.standby.start()
        wait_for_standby(self.postgres)

    def _mount_disks(self, ending: ExitStack) -> None:
        if why_not := missing_for_disks():
            self.why_no_disks = why_not
            return
        sizes = {self.postgres_folder: _DATA_DISK, self.spool: _SPOOL_DISK, self.logs: _LOG_DISK}
        for folder, size in {**sizes, self.standby_folder: _DATA_DISK}.items():
            self.disks[folder] = Disk(folder, size)
            ending.callback(self.disks[folder].unmount)
            self.disks[folder].mount()

    def _part(self, name: str, module: str, arguments: Sequence[str], environment: Mapping[str, str]) -> Part:
        command = [sys.executable, "-m", module, *arguments]
        return Part(name, command, {**environment, "METRICS_PORT": str(free_port())}, self.folder, self.logs)

    def _database_url(self, proxies: Sequence[TcpProxy]) -> str:
        if self.standby is None:
            return through(proxies[0], self.database_url)
        hosts = ",".join(f"127.0.0.1:{proxy.port}" for proxy in proxies)
        return f"postgresql://rollcall@{hosts}/rollcall?target_session_attrs=read-write"

    def _broker_url(self, proxies: Sequence[TcpProxy]) -> str:
        if self.queue == "postgres":
            return self._database_url(proxies)
        return ";".join(through(proxy, url) for proxy, url in zip(proxies, self.broker_urls, strict=True))


@contextmanager
def set_stage(  # noqa: PLR0913 - keyword-only, and most callers pass one
    queue: Queue | str,
    *,
    postgres_settings: Mapping[str, str] | None = None,
    settings: Mapping[str, str] | None = None,
    worker: Sequence[str] = (),
    pooled: bool = False,
    frail: bool = False,
) -> Iterator[Stage]:
    """Run a stage in a temporary folder.

    Args:
        queue: the kind of queue, or the URL of a RabbitMQ that is there.
        postgres_settings: over those of the embedded Postgres.
        settings: of receivers and workers, over ours.
        worker: arguments of the workers.
        pooled: whether Postgres is reached through pgbouncer.
        frail: whether disks can be filled and, unless it is reached through pgbouncer, Postgres has a standby.
    """
    # A short path without links in it, that the server's account can reach.
    folder = Path(tempfile.mkdtemp(prefix="rollcall-")).resolve()
    folder.chmod(0o711)
    try:
        with ExitStack() as ending:
            stage = Stage(folder, queue, postgres_settings)
            stage.set_up(ending, settings or {}, worker=worker, pooled=pooled, frail=frail)
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
