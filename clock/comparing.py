"""The job that compares what came by webhooks with what the vendor says, for the metrics."""

import threading

from clock.job import Job
from clock.metrics import ClockMetrics
from runtime.session import Session
from workers.upkeep.capture import captured

_INTERVAL = 300.0


def comparing(metrics: ClockMetrics) -> Job:
    """Return the job."""

    def work(connection: Session, _stopping: threading.Event) -> None:
        with connection.cursor() as cursor:
            one = captured(cursor)
        metrics.captured(one.completeness, one.drifting)

    return Job("comparing", _INTERVAL, work)
