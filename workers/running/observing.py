"""The Dramatiq actor for answers of the vendor's API: settles a whole message in one transaction."""

import threading

import dramatiq
import structlog

from workers.queue.message import OBSERVING_ACTOR_NAME, QUEUE_NAME, decode_answers
from workers.reading.scope import Scope
from workers.running.mark_notice import MarkNotice
from workers.running.metrics import WorkerMetrics
from workers.running.transactions import Database
from workers.settling.observe import observe

_log = structlog.get_logger(__name__)


def declare_observer(
    broker: dramatiq.Broker, database: Database, scope: Scope, metrics: WorkerMetrics, notice: MarkNotice
) -> None:
    """Register the actor for answers; it returns only after their commit.

    Args:
        broker: the queue.
        database: a connection of its own, since deliveries have theirs.
        scope: whose observations count.
        metrics: counts what is settled.
        notice: tells of the sessions that have changed.
    """
    turn = threading.Lock()

    def observe_(text: str) -> None:
        answers = decode_answers(text)
        bodies = [one.body for one in answers.observations]
        with metrics.in_hand([one.observed_at for one in answers.observations]), turn:
            done = database.commit(lambda connection: observe(connection, answers, scope), bodies)
        metrics.answers_settled(done)
        notice.committed(is_marked=done.is_marked)
        _log.info("answers_settled", kept=done.kept, confirmed=done.confirmed, passed_over=done.passed_over)

    dramatiq.actor(broker=broker, queue_name=QUEUE_NAME, actor_name=OBSERVING_ACTOR_NAME, throws=Exception)(observe_)
