"""The job that removes old messages and expired secrets."""

import threading
from datetime import timedelta

import structlog

from clock.job import Job
from clock.metrics import ClockMetrics
from runtime.session import Session
from workers.upkeep.messages import remove_expired_secrets, remove_messages

_INTERVAL = 3600.0
# How long messages are kept that were never delivered: long enough for anybody to notice, and to send them.
KEEP_ASIDE = timedelta(days=90)

_log = structlog.get_logger(__name__)


def cleaning(keep: timedelta, metrics: ClockMetrics) -> Job:
    """Return the job.

    Args:
        keep: how long what was delivered is kept.
        metrics: counts what is removed.
    """

    def work(connection: Session, stopping: threading.Event) -> None:
        messages = unsent = 0
        with connection.transaction(), connection.cursor() as cursor:
            remove_expired_secrets(cursor)
        after: int | None = 0
        while after is not None and not stopping.is_set():
            with connection.transaction(), connection.cursor() as cursor:
                removed = remove_messages(cursor, keep, max(keep, KEEP_ASIDE), after)
            if removed is None:  # another process is at it
                break
            metrics.messages_removed(removed.messages, removed.unsent)
            messages, unsent, after = messages + removed.messages, unsent + removed.unsent, removed.after
        if messages:
            _log.info("messages_removed", messages=messages, unsent=unsent)

    return Job("cleaning", _INTERVAL, work)
