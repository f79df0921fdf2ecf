"""The receiver's figures for Prometheus, and the port where they are read.

What a request costs here is one or two counters whose labels are resolved beforehand; the rest is counted by group.
"""

from datetime import datetime

import structlog
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, start_http_server

from workers.queue.delivery import Provider

_log = structlog.get_logger(__name__)

# Seconds: the vendor gives up after three.
_PUBLISH_BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2, 3)
_GROUP_BUCKETS = (1, 2, 5, 10, 20, 50, 100, 200, 500)


class ReceiverMetrics:
    """The figures of one receiver, in a registry of their own."""

    def __init__(self, registry: CollectorRegistry | None = None) -> None:
        self.registry = registry or CollectorRegistry()
        accepted = Counter("rollcall_accepted", "Deliveries answered with 200.", ["provider"], registry=self.registry)
        self.accepted = {provider: accepted.labels(provider.value) for provider in Provider}
        self._refused = Counter(
            "rollcall_refused", "Requests to /webhook answered otherwise.", ["reason"], registry=self.registry
        )
        self._waiting = Gauge(
            "rollcall_waiting",
            "Deliveries that wait to be kept, as of the last group.",
            registry=self.registry,
            multiprocess_mode="livesum",
        )
        self._publish_seconds = Histogram(
            "rollcall_publish_seconds",
            "Seconds until a group was kept by queue or spool, or given up.",
            registry=self.registry,
            buckets=_PUBLISH_BUCKETS,
        )
        self._group_size = Histogram(
            "rollcall_group_size", "Deliveries that left together.", registry=self.registry, buckets=_GROUP_BUCKETS
        )
        self._spooled = Gauge(
            "rollcall_spooled_groups",
            "Groups that wait in the spool for the queue.",
            registry=self.registry,
            multiprocess_mode="livesum",
        )
        self._spool_oldest = Gauge(
            "rollcall_spool_oldest_seconds",
            "How long the oldest group in the spool has waited; 0 while there is none.",
            registry=self.registry,
            multiprocess_mode="livemax",
        )
        self._queue_trusted = Gauge(
            "rollcall_queue_trusted",
            "1 while groups are offered to the queue, 0 while they go straight to the spool.",
            registry=self.registry,
            multiprocess_mode="livemin",
        )
        self._keys = Gauge(
            "rollcall_keys",
            "Keys that signatures are checked with.",
            registry=self.registry,
            multiprocess_mode="livemin",
        )
        self._keys_fetched = Gauge(
            "rollcall_keys_fetched_timestamp_seconds",
            "When a key document last gave good keys, Unix time; their age is time() less this.",
            ["document"],
            registry=self.registry,
            multiprocess_mode="livemin",
        )
        self._key_fetches = Counter(
            "rollcall_key_fetches", "Looks at a key document.", ["document", "result"], registry=self.registry
        )

    def refused(self, reason: str) -> None:
        """Count a request that was not answered with 200."""
        self._refused.labels(reason).inc()

    def group_leaves(self, deliveries: int, waiting: int) -> None:
        """Note that a group leaves, and how many deliveries wait, its own among them."""
        self._group_size.observe(deliveries)
        self._waiting.set(waiting)

    def group_ended(self, seconds: float, waiting: int) -> None:
        """Note how long a group took and how many deliveries still wait."""
        self._publish_seconds.observe(seconds)
        self._waiting.set(waiting)

    def spool_holds(self, *, groups: int, oldest_seconds: float, is_queue_trusted: bool) -> None:
        """Note what waits in the spool, and whether the queue is offered anything."""
        self._spooled.set(groups)
        self._spool_oldest.set(oldest_seconds)
        self._queue_trusted.set(is_queue_trusted)

    def keys_known(self, count: int) -> None:
        """Note how many keys there are."""
        self._keys.set(count)

    def keys_fetched(self, document: str, at: datetime) -> None:
        """Note that a key document gave good keys."""
        self._keys_fetched.labels(document).set(at.timestamp())

    def key_fetch_ended(self, document: str, *, is_good: bool) -> None:
        """Count a look at a key document."""
        self._key_fetches.labels(document, "good" if is_good else "failed").inc()


def serve_metrics(registry: CollectorRegistry, host: str, port: int) -> None:
    """Serve the figures from a thread until the process ends. A port that is taken is a warning, not an end."""
    try:
        start_http_server(port, addr=host, registry=registry)
    except OSError as error:
        _log.warning("metrics_port_taken", port=port, error=error.strerror, remedy="set METRICS_PORT to a free port")
