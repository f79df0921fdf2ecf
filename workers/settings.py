"""The worker's settings."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from runtime.addresses import database_url
from runtime.environment import comma_separated, setting, whole_number
from runtime.liveness import DEAD_AFTER
from runtime.metrics_server import read_metrics_host
from workers.queue.broker_address import broker_url
from workers.reading.scope import Scope

_DEFAULT_METRICS_PORT = 9464
_HIGHEST_PORT = 65535


@dataclass(frozen=True, slots=True)
class WorkerSettings:
    """What a worker is told.

    Attributes:
        database_url: where the tables are.
        broker_url: where the queue is.
        scope: whose deliveries count.
        host: the address that the metrics are served on.
        metrics_port: where this worker's metrics are served: the port after `METRICS_PORT`.
        dead_after: seconds of silence after which what this worker has in hand is given to others.
    """

    database_url: str = field(repr=False)  # may hold a password, as the next
    broker_url: str = field(repr=False)
    scope: Scope
    host: str
    metrics_port: int
    dead_after: float = DEAD_AFTER

    @classmethod
    def from_environment(cls, environment: Mapping[str, str]) -> "WorkerSettings":
        """Read the settings.

        Raises:
            runtime.environment.SettingError: a variable has a value that it does not take.
        """
        return cls(
            database_url=database_url(environment),
            broker_url=broker_url(environment),
            scope=Scope(
                webhook_ids=_ids(environment, "WEBHOOK_IDS"), organization_ids=_ids(environment, "ORGANIZATION_IDS")
            ),
            host=read_metrics_host(environment),
            metrics_port=1
            + setting(
                environment,
                "METRICS_PORT",
                f"a port from 1 to {_HIGHEST_PORT - 1} (the worker serves on the next one)",
                whole_number(1, _HIGHEST_PORT - 1),
                _DEFAULT_METRICS_PORT,
            ),
        )


def _ids(environment: Mapping[str, str], name: str) -> frozenset[str] | None:
    return setting(environment, name, "ids separated by commas", lambda text: frozenset(comma_separated(text)), None)
