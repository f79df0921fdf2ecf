"""The receiver's metrics for Prometheus.

A request updates one or two counters with preresolved labels; everything else is counted per group.
"""

from collections.abc import Iterable
from datetime import datetime

import structlog
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

from receiver.keeping.spool_figures import SpoolFigures
from workers.queue.delivery import Provider

_log = structlog.get_logger(__name__)

# Seconds: the vendor times out after three.
_PUBLISH_BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2, 3)
_GROUP_BUCKETS = (1, 2, 5, 10, 20, 50, 100, 200, 500)


class ReceiverMetrics:
    """The metrics of one receiver, in a separate registry."""

    def __init__(self, registry: CollectorRegistry | None = None) -> None:
        self.registry = registry or CollectorRegistry()
        accepted = Counter(
            "rollcall_accepted",
            "Deliveries answered with 200. None for long: check rollcall_refused_total, then the vendor.",
            ["provider"],
            registry=self.registry,
        )
        self.accepted = {provider: accepted.labels(provider.value) for provider in Provider}
        self._refused = Counter(
            "rollcall_refused",
            "Requests to /webhook not answered with 200, by reason; docs/operations.md says what to do about each.",
            ["reason"],
            registry=self.registry,
        )
        self._crowded_out = Counter(
            "rollcall_connections_crowded_out",
            "Connections closed for lack of file descriptors. Not 0: see descriptors_exhausted in the log.",
            registry=self.registry,
        )
        self._log_lines_lost = Counter(
            "rollcall_log_lines_lost",
            "Log lines that could not be written. Not 0: the disk is full or the reader of stderr is gone.",
            registry=self.registry,
        )
        self._waiting = Gauge(
            "rollcall_receiver_waiting",
            "Deliveries waiting to be kept, as of the last group. Near 2000 per process: the queue is too slow.",
            registry=self.registry,
            multiprocess_mode="livesum",
        )
        self._publish_seconds = Histogram(
            "rollcall_publish_seconds",
            "Seconds until queue or spool took a group, or failed. Near 1: check the queue's server and disk.",
            registry=self.registry,
            buckets=_PUBLISH_BUCKETS,
        )
        self._group_size = Histogram(
            "rollcall_receiver_group_size",
            "Deliveries per group. Grows with the load and with the queue's latency.",
            registry=self.registry,
            buckets=_GROUP_BUCKETS,
        )
        self._spooled_groups = self._of_the_folder(
            "rollcall_spooled_groups", "Groups waiting in SPOOL_DIR for the queue. Not 0: check the queue."
        )
        self._spooled_deliveries = self._of_the_folder(
            "rollcall_spooled_deliveries", "Deliveries waiting in SPOOL_DIR for the queue. Not 0: check the queue."
        )
        self._spool_oldest = self._of_the_folder(
            "rollcall_spool_oldest_seconds",
            "How long the oldest group in SPOOL_DIR has waited; 0 if there is none. Growing: check the queue.",
        )
        self._spool_bytes = self._of_the_folder(
            "rollcall_spool_bytes", "Disk space used by SPOOL_DIR. Growing: free disk space and fix the queue."
        )
        self._spool_damaged = self._of_the_folder(
            "rollcall_spool_damaged_files",
            "Files in SPOOL_DIR that were set aside as damaged. Not 0: see spool_damaged in the log.",
        )
        self._queue_trusted = Gauge(
            "rollcall_queue_trusted",
            "1 while groups go to the queue, 0 while they go straight to the spool: check the queue.",
            registry=self.registry,
            multiprocess_mode="livemin",
        )
        self._keys = Gauge(
            "rollcall_keys",
            "Keys that signatures are checked with. 0: every delivery gets 503; check the key documents.",
            registry=self.registry,
            multiprocess_mode="livemin",
        )
        self._keys_fetched = Gauge(
            "rollcall_keys_fetched_timestamp_seconds",
            "When a key document last returned valid keys, Unix time, 0 for never. Over a day ago: check the document.",
            ["document"],
            registry=self.registry,
            multiprocess_mode="livemin",
        )
        self._key_fetches = Counter(
            "rollcall_key_fetches",
            "Fetches of a key document, successful or failed. Only failed ones: check the network and the document.",
            ["document", "result"],
            registry=self.registry,
        )

    def may_refuse(self, reasons: Iterable[str]) -> None:
        """Start each reason at 0, so that the first refusal shows as an increase."""
        for reason in reasons:
            self._refused.labels(reason)

    def refused(self, reason: str) -> None:
        """Count a request that was not answered with 200."""
        self._refused.labels(reason).inc()

    def crowded_out(self) -> None:
        """Count a connection closed for lack of file descriptors."""
        self._crowded_out.inc()

    def log_lines_lost(self, lines: int) -> None:
        """Count log lines that could not be written."""
        self._log_lines_lost.inc(lines)

    def group_leaves(self, deliveries: int, waiting: int) -> None:
        """Record a group being sent, and how many deliveries wait, including its own."""
        self._group_size.observe(deliveries)
        self._waiting.set(waiting)

    def group_ended(self, seconds: float, waiting: int) -> None:
        """Record how long a group took and how many deliveries still wait."""
        self._publish_seconds.observe(seconds)
        self._waiting.set(waiting)

    def spool_holds(self, figures: SpoolFigures, now: datetime) -> None:
        """Set the spool gauges."""
        oldest = figures.oldest_kept_at
        self._spooled_groups.set(figures.groups)
        self._spooled_deliveries.set(figures.deliveries)
        self._spool_oldest.set(max(0.0, (now - oldest).total_seconds()) if oldest else 0.0)
        self._spool_bytes.set(figures.bytes)
        self._spool_damaged.set(figures.damaged_files)

    def queue_trusted(self, is_trusted: bool) -> None:  # noqa: FBT001 - the only argument
        """Set whether groups go to the queue."""
        self._queue_trusted.set(is_trusted)

    def keys_known(self, count: int) -> None:
        """Set the number of keys."""
        self._keys.set(count)

    def keys_fetched(self, document: str, at: datetime | None) -> None:
        """Set when a key document last returned valid keys; None if never."""
        self._keys_fetched.labels(document).set(at.timestamp() if at else 0)

    def key_fetch_ended(self, document: str, *, is_good: bool) -> None:
        """Count a fetch of a key document."""
        self._key_fetches.labels(document, "good" if is_good else "failed").inc()

    def _of_the_folder(self, name: str, help_text: str) -> Gauge:
        # Every process reads the whole folder, including files left by dead ones: the latest value is right.
        return Gauge(name, help_text, registry=self.registry, multiprocess_mode="livemostrecent")
