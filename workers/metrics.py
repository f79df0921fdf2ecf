"""The worker's figures for Prometheus, and the port where they are read."""

from collections.abc import Sequence
from datetime import datetime

import structlog
from prometheus_client import CollectorRegistry, Counter, Histogram, start_http_server

from workers.queue.delivery import Delivery

_log = structlog.get_logger(__name__)

# Seconds.
_SETTLE_BUCKETS = (0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 15, 60)
_LAG_BUCKETS = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 15, 60, 300, 1800, 7200)


class WorkerMetrics:
    """The figures of one worker, in a registry of their own."""

    def __init__(self, registry: CollectorRegistry | None = None) -> None:
        self.registry = registry or CollectorRegistry()
        self._deliveries = Counter(
            "rollcall_settled", "Deliveries whose transaction has committed.", registry=self.registry
        )
        self._settle_seconds = Histogram(
            "rollcall_settle_seconds",
            "Seconds from a group's first try to its commit, waiting for the database included.",
            registry=self.registry,
            buckets=_SETTLE_BUCKETS,
        )
        self._lag_seconds = Histogram(
            "rollcall_settle_lag_seconds",
            "Seconds from a group's oldest delivery, as it came in, to its commit.",
            registry=self.registry,
            buckets=_LAG_BUCKETS,
        )
        self._given_back = Counter(
            "rollcall_messages_given_back", "Queue messages that could not be processed now.", registry=self.registry
        )

    def group_settled(self, deliveries: Sequence[Delivery], seconds: float, now: datetime) -> None:
        """Note that a group has committed at `now`, `seconds` after its first try."""
        self._deliveries.inc(len(deliveries))
        self._settle_seconds.observe(seconds)
        oldest = min((delivery.received_at for delivery in deliveries), default=now)
        self._lag_seconds.observe(max(0.0, (now - oldest).total_seconds()))

    def group_given_back(self) -> None:
        """Note that a message goes back to the queue."""
        self._given_back.inc()


def serve_metrics(registry: CollectorRegistry, host: str, port: int) -> None:
    """Serve the figures from a thread until the process ends. A port that is taken is a warning, not an end."""
    try:
        start_http_server(port, addr=host, registry=registry)
    except OSError as error:
        _log.warning(
            "metrics_port_taken",
            port=port,
            error=error.strerror,
            remedy="set METRICS_PORT so that the next port is free",
        )
