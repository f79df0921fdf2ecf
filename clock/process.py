"""Does each job when it is due, one after the other, on a connection that is there only meanwhile."""

import threading
import time
from collections.abc import Sequence

import psycopg
import structlog

from clock.job import Job
from clock.metrics import ClockMetrics
from runtime.connections import connect, cut_connection
from runtime.error_message import message_without_values
from runtime.session import Session

_NAME = "rollcall clock"
# Seconds before a job that failed is tried again.
_PAUSE = 60.0
# Seconds that a stop waits for a transaction to end before its connection is cut: nothing of it is then done.
_STOP_SECONDS = 5.0

_log = structlog.get_logger(__name__)


class Clock:
    """The thread that does the jobs."""

    def __init__(
        self,
        database_url: str,
        jobs: Sequence[Job],
        metrics: ClockMetrics,
        stopping: threading.Event,
        pause: float = _PAUSE,
    ) -> None:
        """Do nothing yet.

        Args:
            database_url: where the tables are.
            jobs: what there is to do.
            metrics: what became of it.
            stopping: ends the thread once it is set.
            pause: seconds before a job that failed is tried again.
        """
        self._url = database_url
        self._metrics = metrics
        self._stopping = stopping
        self._pause = pause
        self._due = dict.fromkeys(jobs, 0.0)
        self._connection: Session | None = None
        self._thread = threading.Thread(target=self._run, name="clock", daemon=True)
        for job in jobs:
            metrics.know(job.name)

    def start(self) -> None:
        """Start with all jobs."""
        self._thread.start()

    def is_whole(self) -> bool:
        """Tell whether the thread lives."""
        return self._thread.is_alive()

    def stop(self) -> bool:
        """Wait for the thread to end once `stopping` is set; tell whether it did."""
        self._thread.join(_STOP_SECONDS)
        connection = self._connection
        if connection is not None and self._thread.is_alive():
            cut_connection(connection)
            self._thread.join(_STOP_SECONDS)
        return not self._thread.is_alive()

    def _run(self) -> None:
        while not self._stopping.is_set():
            for job, due in self._due.items():
                if time.monotonic() >= due and not self._stopping.is_set():
                    self._due[job] = time.monotonic() + (job.interval if self._do(job) else self._pause)
            self._metrics.looked()
            next_due = min(self._due.values(), default=time.monotonic() + self._pause)
            self._stopping.wait(max(0.0, next_due - time.monotonic()))

    def _do(self, job: Job) -> bool:
        """Do a job; return whether it ended well."""
        try:
            with connect(self._url, name=_NAME) as connection:
                self._connection = connection
                job.work(connection, self._stopping)
        except psycopg.Error as error:
            if not self._stopping.is_set():
                says = message_without_values(error)
                _log.warning("clock_job_failed", job=job.name, sqlstate=error.sqlstate, says=says)
                self._metrics.job_failed(job.name)
            return False
        finally:
            self._connection = None
        self._metrics.job_done(job.name)
        return True
