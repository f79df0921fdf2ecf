"""The metrics of `automations` for Prometheus.

Several processes each send to endpoints of their own but count the same tables: add up the counters, and take the
highest of the gauges.
"""

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

from automations.sending.backlog import Backlog
from automations.sending.results import AttemptRow, Outcome
from runtime.log_lines import lost_lines
from workers.rules.messages import DeliveryStatus

_ATTEMPT_BUCKETS = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 15)

_DELIVERED, _FAILED, _GIVEN_UP = "delivered", "failed", "given_up"


class AutomationsMetrics:
    """The metrics of one process, in a separate registry. No label names an endpoint: there may be many."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self._up = self._gauge("up", "1 while the process announces and sends. Absent: start `automations`.")
        self._up.set(1)
        self._marks = self._gauge("marks", "Changes that were not announced yet. Growing: see its log.")
        self._marks_age = self._gauge(
            "announce_age_seconds", "Seconds since the oldest change that was not announced yet. Growing: see its log."
        )
        self._pending = self._gauge("pending", "Messages that wait to be sent. Growing: see `rollcall endpoints list`.")
        self._behind = self._gauge(
            "pending_behind", "Those of them that wait for an earlier one of their session (order: session)."
        )
        self._most_pending = self._gauge("pending_most", "Messages that wait for the endpoint with the most of them.")
        self._overdue = self._gauge(
            "overdue_seconds", "Seconds since the oldest message was due to be sent. Growing: an endpoint is too slow."
        )
        self._held = self._gauge("held", "Messages that are held. Send them with `rollcall endpoints recover`.")
        self._given_up = self._gauge(
            "given_up", "Messages that were given up. Send them with `rollcall messages redeliver`."
        )
        self._failing = self._gauge("endpoints_failing", "Enabled endpoints whose last attempts failed.")
        self._disabled = self._gauge("endpoints_disabled", "Disabled endpoints. See `rollcall endpoints list`.")
        self._unopened = self._gauge(
            "endpoints_unopened", "Endpoints whose secret SECRETS_KEY does not open; nothing is sent to them. Set it."
        )
        attempts = Counter(
            "rollcall_automations_attempts", "Attempts, by what became of them.", ["result"], registry=self.registry
        )
        self._attempts = {result: attempts.labels(result) for result in (_DELIVERED, _FAILED, _GIVEN_UP)}
        self._attempt_seconds = Histogram(
            "rollcall_automations_attempt_seconds",
            "Seconds from the beginning of an attempt to its whole answer.",
            registry=self.registry,
            buckets=_ATTEMPT_BUCKETS,
        )
        self._overflowed = Counter(
            "rollcall_automations_overflowed",
            "Messages given up because a million waited for one endpoint. See outbox_overflow in the log.",
            registry=self.registry,
        )
        self._log_lines_lost = Counter(
            "rollcall_automations_log_lines_lost",
            "Log lines that could not be written. Not 0: the disk is full or the reader of stderr is gone.",
            registry=self.registry,
        )

    def attempted(self, attempt: AttemptRow, outcome: Outcome) -> None:
        """Count an attempt."""
        result = {DeliveryStatus.DELIVERED.value: _DELIVERED, DeliveryStatus.GIVEN_UP.value: _GIVEN_UP}
        self._attempts[result.get(outcome.status, _FAILED)].inc()
        self._attempt_seconds.observe(attempt.duration_ms / 1000)

    def backlog_seen(self, backlog: Backlog) -> None:
        """Set what waits."""
        self._marks.set(backlog.marks)
        self._marks_age.set(backlog.marks_age)
        self._pending.set(sum(one.pending for one in backlog.waiting))
        self._behind.set(sum(one.behind for one in backlog.waiting))
        self._most_pending.set(max((one.pending for one in backlog.waiting), default=0))
        self._overdue.set(max((one.overdue for one in backlog.waiting), default=0.0))
        self._held.set(backlog.held)
        self._given_up.set(backlog.given_up)
        self._failing.set(backlog.failing)
        self._disabled.set(backlog.disabled)
        self._log_lines_lost.inc(lost_lines.since_last())

    def unopened_seen(self, count: int) -> None:
        """Set how many endpoints' secrets no key opens."""
        self._unopened.set(count)

    def overflowed(self, count: int) -> None:
        """Count messages that were given up because too many waited."""
        self._overflowed.inc(count)

    def _gauge(self, name: str, help_: str) -> Gauge:
        return Gauge(f"rollcall_automations_{name}", help_, registry=self.registry)
