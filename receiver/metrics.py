"""The receiver's figures for Prometheus, and the port where they are read.

What a request costs here is one or two counters whose labels are resolved beforehand; the rest is counted by group.
"""

from collections.abc import Iterable
from datetime import datetime

import structlog
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

from receiver.keeping.spool_figures import SpoolFigures
from workers.queue.delivery import Provider

_log = structlog.get_logger(__name__)

# Seconds: the vendor gives up after three.
_PUBLISH_BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2, 3)
_GROUP_BUCKETS = (1, 2, 5, 10, 20, 50, 100, 200, 500)


class ReceiverMetrics:
    """The figures of one receiver, in a registry of their own."""

    def __init__(self, registry: CollectorRegistry | None = None) -> None:
        self.registry = registry or CollectorRegistry()
        accepted = Counter(
            "rollcall_accepted",
            "Deliveries answered with 200: kept. None for long: see rollcall_refused_total, then the vendor.",
            ["provider"],
            registry=self.registry,
        )
        self.accepted = {provider: accepted.labels(provider.value) for provider in Provider}
        self._refused = Counter(
            "rollcall_refused",
            "Requests to /webhook answered otherwise, by reason; docs/operations.md says what each calls for.",
            ["reason"],
            registry=self.registry,
        )
        self._crowded_out = Counter(
            "rollcall_connections_crowded_out",
            "Connections closed for want of file descriptors. Not 0: see the log's descriptors_exhausted.",
            registry=self.registry,
        )
        self._log_lines_lost = Counter(
            "rollcall_log_lines_lost",
            "Log lines that could not be written: a full disk, or a reader of stderr that is gone. Not 0: see to it.",
            registry=self.registry,
        )
        self._waiting = Gauge(
            "rollcall_receiver_waiting",
            "Deliveries that wait to be kept, as of the last group. Near 2000 a process: the queue is too slow.",
            registry=self.registry,
            multiprocess_mode="livesum",
        )
        self._publish_seconds = Histogram(
            "rollcall_publish_seconds",
            "Seconds until a group was kept by queue or spool, or given up. Near 1: see the queue's server and disk.",
            registry=self.registry,
            buckets=_PUBLISH_BUCKETS,
        )
        self._group_size = Histogram(
            "rollcall_receiver_group_size",
            "Deliveries that left together. It grows with the load, and with the time that the queue takes.",
            registry=self.registry,
            buckets=_GROUP_BUCKETS,
        )
        self._spooled_groups = self._of_the_folder(
            "rollcall_spooled_groups", "Groups that wait in SPOOL_DIR for the queue. See the queue."
        )
        self._spooled_deliveries = self._of_the_folder(
            "rollcall_spooled_deliveries", "Deliveries that wait in SPOOL_DIR for the queue. See the queue."
        )
        self._spool_oldest = self._of_the_folder(
            "rollcall_spool_oldest_seconds",
            "How long the oldest group in SPOOL_DIR has waited; 0 while there is none. Growing: see the queue.",
        )
        self._spool_bytes = self._of_the_folder(
            "rollcall_spool_bytes", "What the files of SPOOL_DIR take on disk. Growing: make room, mend the queue."
        )
        self._spool_damaged = self._of_the_folder(
            "rollcall_spool_damaged_files",
            "Files of SPOOL_DIR that were set aside as damaged. Not 0: see the log's spool_damaged.",
        )
        self._queue_trusted = Gauge(
            "rollcall_queue_trusted",
            "1 while groups are offered to the queue, 0 while they go straight to the spool: see the queue.",
            registry=self.registry,
            multiprocess_mode="livemin",
        )
        self._keys = Gauge(
            "rollcall_keys",
            "Keys that signatures are checked with. 0: every delivery gets 503; see the key documents.",
            registry=self.registry,
            multiprocess_mode="livemin",
        )
        self._keys_fetched = Gauge(
            "rollcall_keys_fetched_timestamp_seconds",
            "When a key document last gave good keys, Unix time, 0 for never. Over a day ago: see the document.",
            ["document"],
            registry=self.registry,
            multiprocess_mode="livemin",
        )
        self._key_fetches = Counter(
            "rollcall_key_fetches",
            "Looks at a key document, good or failed. Failed ones alone: see the network and the document.",
            ["document", "result"],
            registry=self.registry,
        )

    def may_refuse(self, reasons: Iterable[str]) -> None:
        """Show reasons with a count of 0, so that the first refusal is seen as a rise."""
        for reason in reasons:
            self._refused.labels(reason)

    def refused(self, reason: str) -> None:
        """Count a request that was not answered with 200."""
        self._refused.labels(reason).inc()

    def crowded_out(self) -> None:
        """Count a connection that was closed for want of file descriptors."""
        self._crowded_out.inc()

    def log_lines_lost(self, lines: int) -> None:
        """Count log lines that could not be written."""
        self._log_lines_lost.inc(lines)

    def group_leaves(self, deliveries: int, waiting: int) -> None:
        """Note that a group leaves, and how many deliveries wait, its own among them."""
        self._group_size.observe(deliveries)
        self._waiting.set(waiting)

    def group_ended(self, seconds: float, waiting: int) -> None:
        """Note how long a group took and how many deliveries still wait."""
        self._publish_seconds.observe(seconds)
        self._waiting.set(waiting)

    def spool_holds(self, figures: SpoolFigures, now: datetime) -> None:
        """Show what waits in the spool."""
        oldest = figures.oldest_kept_at
        self._spooled_groups.set(figures.groups)
        self._spooled_deliveries.set(figures.deliveries)
        self._spool_oldest.set(max(0.0, (now - oldest).total_seconds()) if oldest else 0.0)
        self._spool_bytes.set(figures.bytes)
        self._spool_damaged.set(figures.damaged_files)

    def queue_trusted(self, is_trusted: bool) -> None:  # noqa: FBT001 - the one thing that there is to say
        """Show whether the queue is offered anything."""
        self._queue_trusted.set(is_trusted)

    def keys_known(self, count: int) -> None:
        """Note how many keys there are."""
        self._keys.set(count)

    def keys_fetched(self, document: str, at: datetime | None) -> None:
        """Show when a key document last gave good keys; None if it never did."""
        self._keys_fetched.labels(document).set(at.timestamp() if at else 0)

    def key_fetch_ended(self, document: str, *, is_good: bool) -> None:
        """Count a look at a key document."""
        self._key_fetches.labels(document, "good" if is_good else "failed").inc()

    def _of_the_folder(self, name: str, help_text: str) -> Gauge:
        # Every process looks at the whole folder, also at what dead ones have left: the last to look is right.
        return Gauge(name, help_text, registry=self.registry, multiprocess_mode="livemostrecent")
