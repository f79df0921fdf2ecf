"""The worker's settings."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from runtime.addresses import database_url
from runtime.liveness import DEAD_AFTER
from runtime.outgoing.certificates import Certificates
from runtime.settings import METRICS_HOST, METRICS_PORT, ORGANIZATION_IDS, WEBHOOK_IDS
from runtime.var_folder import VarFolder
from workers.queue.broker_address import broker_url
from workers.reading.scope import Scope


@dataclass(frozen=True, slots=True)
class WorkerSettings:
    """The worker's settings.

    Attributes:
        database_url: where the tables are.
        broker_url: where the queue is.
        scope: whose deliveries count.
        host: the address that the metrics are served on.
        metrics_port: where this worker's metrics are served: the port after `METRICS_PORT`.
        dead_after: seconds of silence after which what this worker has in hand is given to others.
        var_folder: where it may write.
        certificates: the authorities that the environment names, for RabbitMQ by TLS; `broker_url` holds them.
    """

    database_url: str = field(repr=False)  # may hold a password, as the next
    broker_url: str = field(repr=False)
    scope: Scope
    host: str
    metrics_port: int
    dead_after: float = DEAD_AFTER
    var_folder: VarFolder = field(default_factory=VarFolder)
    certificates: Certificates = field(default_factory=Certificates)

    @classmethod
    def from_environment(cls, environment: Mapping[str, str]) -> "WorkerSettings":
        """Read the settings.

        Raises:
            SettingError: a variable has a value that it does not take.
        """
        return cls(
            database_url=database_url(environment),
            broker_url=broker_url(environment),
            scope=Scope(webhook_ids=WEBHOOK_IDS.of(environment), organization_ids=ORGANIZATION_IDS.of(environment)),
            host=METRICS_HOST.of(environment),
            metrics_port=METRICS_PORT.of(environment) + 1,
            var_folder=VarFolder.of(environment),
            certificates=Certificates.from_environment(environment),
        )
