"""The worker's metrics for Prometheus.

Everything is counted per group, so that a delivery costs almost nothing here. Several processes of one worker are
combined: counters are summed, and each gauge below says how.
"""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime

import structlog
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

from workers.queue.delivery import Delivery
from workers.queue.unreadable import Unreadable
from workers.reading.status import Status
from workers.running.in_hand import InHand
from workers.settling.observe import Observed
from workers.settling.settlement import Settlement

_log = structlog.get_logger(__name__)

# Seconds.
_SETTLE_BUCKETS = (0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 15, 60)
_LAG_BUCKETS = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 15, 60, 300, 1800, 7200)

# Why a message is requeued: its actor failed, the database refuses part of it but accepts others, or it is unreadable
# and could not be parked.
_FAILED, _REFUSED, _UNREADABLE = "failed", "refused", "unreadable"


class WorkerMetrics:
    """The metrics of one worker, in a separate registry."""

    def __init__(self, registry: CollectorRegistry | None = None) -> None:
        self.registry = registry or CollectorRegistry()
        self._in_hand = InHand()
        self._settled = Counter(
            "rollcall_settled",
            "Deliveries whose transaction has committed. None while some wait: check rollcall_database_up.",
            registry=self.registry,
        )
        deliveries = Counter(
            "rollcall_deliveries",
            "New deliveries in the ledger, by status. Many quarantined: see `rollcall deliveries`.",
            ["status"],
            registry=self.registry,
        )
        self._deliveries = {status: deliveries.labels(status.value) for status in Status}
        self._known = Counter(
            "rollcall_redelivered",
            "Deliveries already in the ledger, because their message was delivered twice. Harmless.",
            registry=self.registry,
        )
        observations = Counter(
            "rollcall_observations",
            "Answers of the vendor's API: kept (new or changed), confirmed (as known), passed_over (older, or known).",
            ["outcome"],
            registry=self.registry,
        )
        self._observations = {one: observations.labels(one) for one in ("kept", "confirmed", "passed_over")}
        self._settle_seconds = Histogram(
            "rollcall_settle_seconds",
            "Seconds from a group's first attempt to its commit, including waits. Slow: check the database.",
            registry=self.registry,
            buckets=_SETTLE_BUCKETS,
        )
        self._lag_seconds = Histogram(
            "rollcall_settle_lag_seconds",
            "Seconds from receiving a group's oldest delivery to its commit. Long: start more workers.",
            registry=self.registry,
            buckets=_LAG_BUCKETS,
        )
        self._oldest_seconds = Gauge(
            "rollcall_oldest_delivery_seconds",
            "Age of the oldest in-flight delivery, and so of the queue. 0: none. Growing: start more workers.",
            registry=self.registry,
            multiprocess_mode="livemax",
        )
        self._queue_messages = Gauge(
            "rollcall_queue_messages",
            "Messages, each a group of deliveries, waiting in the queue. Growing: start more workers.",
            registry=self.registry,
            multiprocess_mode="livemostrecent",
        )
        self._queue_up = Gauge(
            "rollcall_queue_up",
            "1 if the queue answered the worker's last check. 0: check the server that BROKER_URL names.",
            registry=self.registry,
            multiprocess_mode="livemin",
        )
        self._database_up = Gauge(
            "rollcall_database_up",
            "0 while a transaction waits for the database; it resumes automatically. 0: check the database.",
            registry=self.registry,
            multiprocess_mode="livemin",
        )
        self._database_up.set(1)
        self._refused = Counter(
            "rollcall_refused_by_database",
            "Times the database refused a delivery, which is held and retried. See database_refuses in the log.",
            registry=self.registry,
        )
        given_back = Counter(
            "rollcall_messages_given_back",
            "Times a queue message could not be processed and was requeued. See message_failed, "
            "database_refuses or message_not_parked in the log.",
            ["reason"],
            registry=self.registry,
        )
        self._given_back = {reason: given_back.labels(reason) for reason in (_FAILED, _REFUSED, _UNREADABLE)}
        self._log_lines_lost = Counter(
            "rollcall_log_lines_lost",
            "Log lines that could not be written. Not 0: the disk is full or the reader of stderr is gone.",
            registry=self.registry,
        )
        parked = Counter(
            "rollcall_parked",
            "Messages parked because this version can't read them. See `rollcall queue parked`.",
            ["reason"],
            registry=self.registry,
        )
        self._parked = {reason: parked.labels(reason.value) for reason in Unreadable}
        self._parked_messages = Gauge(
            "rollcall_parked_messages",
            "Messages currently parked. See `rollcall queue parked`.",
            registry=self.registry,
            multiprocess_mode="livemostrecent",
        )
        self._unacknowledged = Gauge(
            "rollcall_unacknowledged_messages",
            "Messages that the worker has taken but not acknowledged. Stuck above 0: see the log.",
            registry=self.registry,
            multiprocess_mode="livesum",
        )
        self._renewals = Counter(
            "rollcall_consumer_renewals",
            "Times the worker reconnected to the queue because messages waited but none arrived.",
            registry=self.registry,
        )

    @contextmanager
    def in_hand(self, times: Iterable[datetime]) -> Iterator[None]:
        """Count a group, received at these times, as in flight for the duration of the block."""
        with self._in_hand.holding(times):
            yield

    def group_settled(
        self, deliveries: Sequence[Delivery], settlement: Settlement, seconds: float, now: datetime
    ) -> None:
        """Record a group's commit at `now`, `seconds` after its first attempt."""
        self._settled.inc(len(deliveries))
        for status, count in settlement.statuses.items():
            self._deliveries[status].inc(count)
        if settlement.known:
            self._known.inc(settlement.known)
        self._settle_seconds.observe(seconds)
        oldest = min((delivery.received_at for delivery in deliveries), default=now)
        self._lag_seconds.observe(max(0.0, (now - oldest).total_seconds()))

    def answers_settled(self, observed: Observed) -> None:
        """Count what answers came to, once they have committed."""
        self._observations["kept"].inc(observed.kept)
        self._observations["confirmed"].inc(observed.confirmed)
        self._observations["passed_over"].inc(observed.passed_over)

    def deliveries_refused(self, count: int) -> None:
        """Count deliveries that the database refused, which are held and retried."""
        self._refused.inc(count)

    def message_refused(self) -> None:
        """Count a message requeued because the database refuses part of it but accepts others."""
        self._given_back[_REFUSED].inc()

    def message_failed(self) -> None:
        """Count a message requeued because its group could not be processed."""
        self._given_back[_FAILED].inc()

    def message_unreadable(self) -> None:
        """Count unreadable messages requeued because they can't be parked."""
        self._given_back[_UNREADABLE].inc()

    def message_parked(self, reason: Unreadable) -> None:
        """Count a parked message."""
        self._parked[reason].inc()

    def parked_seen(self, messages: int) -> None:
        """Set the number of parked messages."""
        self._parked_messages.set(messages)

    def consumer_renewed(self) -> None:
        """Count a reconnect to the queue."""
        self._renewals.inc()

    def is_processing(self) -> bool:
        """Return whether any group is in flight."""
        return self._in_hand.is_holding()

    def age_seen(self, now: datetime) -> None:
        """Set the age of the oldest delivery in flight since the last call."""
        oldest = self._in_hand.oldest()
        self._oldest_seconds.set(max(0.0, (now - oldest).total_seconds()) if oldest else 0.0)

    def log_lines_lost(self, lines: int) -> None:
        """Count log lines that could not be written."""
        self._log_lines_lost.inc(lines)

    def queue_seen(self, waiting: int | None, unacknowledged: int) -> None:
        """Set how many messages wait in the queue (None: no answer), and how many the worker holds."""
        self._unacknowledged.set(unacknowledged)
        self._queue_up.set(waiting is not None)
        if waiting is not None:
            self._queue_messages.set(waiting)

    def database_seen(self, is_up: bool) -> None:  # noqa: FBT001 - the only argument
        """Set whether the database is up."""
        self._database_up.set(is_up)
