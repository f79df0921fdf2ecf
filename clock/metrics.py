"""The metrics of `clock` for Prometheus. No alert needs more than: when did each job last end well?"""

import time

from prometheus_client import CollectorRegistry, Counter, Gauge

from runtime.log_lines import lost_lines


class ClockMetrics:
    """The metrics of one process, in a separate registry."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self._done_at = Gauge(
            "rollcall_clock_job_done_timestamp_seconds",
            "When a job last ended well, in Unix time. Long ago: see clock_job_failed in the log.",
            ["job"],
            registry=self.registry,
        )
        self._failed = Counter(
            "rollcall_clock_jobs_failed",
            "Times a job failed; it is tried again after a minute. See clock_job_failed in the log.",
            ["job"],
            registry=self.registry,
        )
        self._removed = Counter(
            "rollcall_clock_messages_removed", "Messages removed because they were old.", registry=self.registry
        )
        self._unsent = Counter(
            "rollcall_clock_messages_removed_unsent",
            "Messages removed after 90 days that were held or given up, counted per endpoint. Not 0: somebody should "
            "look at them earlier, with `rollcall messages list --status held`.",
            registry=self.registry,
        )
        self._asked = Counter(
            "rollcall_vendor_sessions_asked",
            "Sessions that the vendor's API was asked about.",
            registry=self.registry,
        )
        failed = Counter(
            "rollcall_vendor_failures",
            "Times that the vendor's API could not be asked: refused (see vendor_refuses_credentials in the log) or "
            "away (vendor_not_asked). It is tried again after five minutes.",
            ["reason"],
            registry=self.registry,
        )
        self._vendor_failed = {reason: failed.labels(reason) for reason in ("refused", "away")}
        self._reconciled_at = Gauge(
            "rollcall_reconciled_timestamp_seconds",
            "When a round of reconciliation last came to its end, in Unix time; 0: not yet. Long ago: see the log.",
            registry=self.registry,
        )
        self._completeness = Gauge(
            "rollcall_capture_completeness",
            "Share of what happened since yesterday that came by webhooks: 0 to 1; 1 with nothing to compare.",
            registry=self.registry,
        )
        self._completeness.set(1)
        self._drifting = Gauge(
            "rollcall_sessions_drifting",
            "Sessions of the last day whose participant minutes differ by more than one from what the vendor counts.",
            registry=self.registry,
        )
        self._log_lines_lost = Counter(
            "rollcall_clock_log_lines_lost",
            "Log lines that could not be written. Not 0: the disk is full or the reader of stderr is gone.",
            registry=self.registry,
        )

    def know(self, job: str) -> None:
        """Show a job's figures from the start on."""
        self._failed.labels(job)

    def job_done(self, job: str) -> None:
        """Note that a job has ended well just now."""
        self._done_at.labels(job).set(time.time())

    def job_failed(self, job: str) -> None:
        """Count a job that failed."""
        self._failed.labels(job).inc()

    def messages_removed(self, messages: int, unsent: int) -> None:
        """Count what was removed."""
        self._removed.inc(messages)
        self._unsent.inc(unsent)

    def sessions_asked(self, sessions: int) -> None:
        """Count sessions that the vendor's API was asked about."""
        self._asked.inc(sessions)

    def vendor_failed(self, *, is_refused: bool) -> None:
        """Count a time that the vendor's API could not be asked."""
        self._vendor_failed["refused" if is_refused else "away"].inc()

    def reconciled(self) -> None:
        """Note that a round has come to its end just now."""
        self._reconciled_at.set(time.time())

    def captured(self, completeness: float | None, drifting: int) -> None:
        """Set how much came by webhooks (None: there was nothing), and how many sessions differ."""
        self._completeness.set(1.0 if completeness is None else completeness)
        self._drifting.set(drifting)

    def looked(self) -> None:
        """Count log lines that were lost since the last call."""
        self._log_lines_lost.inc(lost_lines.since_last())
