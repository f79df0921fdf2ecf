"""The worker's figures for Prometheus, and the port where they are read.

Everything is counted by group, so that a delivery costs next to nothing here. Several processes of one worker add up:
counters are summed, and each gauge says below how.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime

import structlog
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

from workers.queue.delivery import Delivery
from workers.queue.unreadable import Unreadable
from workers.reading.status import Status
from workers.running.in_hand import InHand
from workers.settling.settlement import Settlement

_log = structlog.get_logger(__name__)

# Seconds.
_SETTLE_BUCKETS = (0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 15, 60)
_LAG_BUCKETS = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 15, 60, 300, 1800, 7200)

# Why a message goes back to the queue: its actor failed, the database takes others and not all of this one, or it can't
# be read and could not be parked.
_FAILED, _REFUSED, _UNREADABLE = "failed", "refused", "unreadable"


class WorkerMetrics:
    """The figures of one worker, in a registry of their own."""

    def __init__(self, registry: CollectorRegistry | None = None) -> None:
        self.registry = registry or CollectorRegistry()
        self._in_hand = InHand()
        self._settled = Counter(
            "rollcall_settled",
            "Deliveries whose transaction has committed. None while some wait: see rollcall_database_up.",
            registry=self.registry,
        )
        deliveries = Counter(
            "rollcall_deliveries",
            "Deliveries that are new in the ledger, by status. Many quarantined: see `rollcall deliveries`.",
            ["status"],
            registry=self.registry,
        )
        self._deliveries = {status: deliveries.labels(status.value) for status in Status}
        self._known = Counter(
            "rollcall_redelivered",
            "Deliveries that were in the ledger already, as their message came twice. Harmless.",
            registry=self.registry,
        )
        self._settle_seconds = Histogram(
            "rollcall_settle_seconds",
            "Seconds from a group's first try to its commit, waits for the database included. Slow: see the database.",
            registry=self.registry,
            buckets=_SETTLE_BUCKETS,
        )
        self._lag_seconds = Histogram(
            "rollcall_settle_lag_seconds",
            "Seconds from a group's oldest delivery, as it came in, to its commit. Long: start more workers.",
            registry=self.registry,
            buckets=_LAG_BUCKETS,
        )
        self._oldest_seconds = Gauge(
            "rollcall_oldest_delivery_seconds",
            "Age of the oldest delivery in a worker's hands, the oldest of the queue. 0: none. Growing: start workers.",
            registry=self.registry,
            multiprocess_mode="livemax",
        )
        self._queue_messages = Gauge(
            "rollcall_queue_messages",
            "Messages, each a group of deliveries, that wait in the queue for a worker. Growing: start more workers.",
            registry=self.registry,
            multiprocess_mode="livemostrecent",
        )
        self._queue_up = Gauge(
            "rollcall_queue_up",
            "1 if the worker's last look at the queue was answered. 0: see the server that BROKER_URL names.",
            registry=self.registry,
            multiprocess_mode="livemin",
        )
        self._database_up = Gauge(
            "rollcall_database_up",
            "0 while a transaction waits for the database to be back; the worker goes on by itself. See the database.",
            registry=self.registry,
            multiprocess_mode="livemin",
        )
        self._database_up.set(1)
        self._refused = Counter(
            "rollcall_refused_by_database",
            "Times that the database refused a delivery. It is held and tried again. See the log's database_refuses.",
            registry=self.registry,
        )
        given_back = Counter(
            "rollcall_messages_given_back",
            "Times that a queue message could not be processed and went back. See the log's message_failed, "
            "database_refuses or message_not_parked.",
            ["reason"],
            registry=self.registry,
        )
        self._given_back = {reason: given_back.labels(reason) for reason in (_FAILED, _REFUSED, _UNREADABLE)}
        self._log_lines_lost = Counter(
            "rollcall_log_lines_lost",
            "Log lines that could not be written: a full disk, or a reader of stderr that is gone. Not 0: see to it.",
            registry=self.registry,
        )
        parked = Counter(
            "rollcall_parked",
            "Times that a queue message was parked, as this version can't read it. See `rollcall queue parked`.",
            ["reason"],
            registry=self.registry,
        )
        self._parked = {reason: parked.labels(reason.value) for reason in Unreadable}
        self._parked_messages = Gauge(
            "rollcall_parked_messages",
            "Messages that are parked until a version can read them or you decide. See `rollcall queue parked`.",
            registry=self.registry,
            multiprocess_mode="livemostrecent",
        )
        self._unacknowledged = Gauge(
            "rollcall_unacknowledged_messages",
            "Messages that the worker has taken from the queue and not let go of. Stuck above 0: see the log.",
            registry=self.registry,
            multiprocess_mode="livesum",
        )
        self._renewals = Counter(
            "rollcall_consumer_renewals",
            "Times that the worker connected to the queue again, as messages waited there and none came.",
            registry=self.registry,
        )

    @contextmanager
    def in_hand(self, deliveries: Sequence[Delivery]) -> Iterator[None]:
        """Note that a group is being processed as long as the block lasts."""
        with self._in_hand.holding(deliveries):
            yield

    def group_settled(
        self, deliveries: Sequence[Delivery], settlement: Settlement, seconds: float, now: datetime
    ) -> None:
        """Note that a group has committed at `now`, `seconds` after its first try."""
        self._settled.inc(len(deliveries))
        for status, count in settlement.statuses.items():
            self._deliveries[status].inc(count)
        if settlement.known:
            self._known.inc(settlement.known)
        self._settle_seconds.observe(seconds)
        oldest = min((delivery.received_at for delivery in deliveries), default=now)
        self._lag_seconds.observe(max(0.0, (now - oldest).total_seconds()))

    def deliveries_refused(self, count: int) -> None:
        """Note that the database has refused so many deliveries, which are held and tried again."""
        self._refused.inc(count)

    def message_refused(self) -> None:
        """Note that a message goes back to the queue, as the database refuses deliveries of it and takes others."""
        self._given_back[_REFUSED].inc()

    def message_failed(self) -> None:
        """Note that a message goes back to the queue, as its group could not be processed."""
        self._given_back[_FAILED].inc()

    def message_unreadable(self) -> None:
        """Note that messages which can't be read go back to the queue, as they can't be parked."""
        self._given_back[_UNREADABLE].inc()

    def message_parked(self, reason: Unreadable) -> None:
        """Note that a message is parked."""
        self._parked[reason].inc()

    def parked_seen(self, messages: int) -> None:
        """Show how many messages are parked."""
        self._parked_messages.set(messages)

    def consumer_renewed(self) -> None:
        """Note that the worker gives its connection to the queue up for a new one."""
        self._renewals.inc()

    def is_processing(self) -> bool:
        """Return whether any group is being processed."""
        return self._in_hand.is_holding()

    def age_seen(self, now: datetime) -> None:
        """Show how old the oldest delivery is that was in hand since the last call."""
        oldest = self._in_hand.oldest()
        self._oldest_seconds.set(max(0.0, (now - oldest).total_seconds()) if oldest else 0.0)

    def log_lines_lost(self, lines: int) -> None:
        """Count log lines that could not be written."""
        self._log_lines_lost.inc(lines)

    def queue_seen(self, waiting: int | None, unacknowledged: int) -> None:
        """Show how many messages wait in the queue (None: it did not answer), and how many the worker has of it."""
        self._unacknowledged.set(unacknowledged)
        self._queue_up.set(waiting is not None)
        if waiting is not None:
            self._queue_messages.set(waiting)

    def database_seen(self, is_up: bool) -> None:  # noqa: FBT001 - the one thing that there is to say
        """Show whether the database is there."""
        self._database_up.set(is_up)
