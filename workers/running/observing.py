"""The Dramatiq actor for answers of the vendor's API: settles whole messages before they are acknowledged.

Messages that arrive during one transaction are settled together in the next, as those of deliveries are
(`workers.running.gathering`).
"""

import threading
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Future

import dramatiq
import structlog

from workers.queue.message import OBSERVING_ACTOR_NAME, QUEUE_NAME, decode_answers
from workers.queue.observation import Answers
from workers.reading.scope import Scope
from workers.running.mark_notice import MarkNotice
from workers.running.metrics import WorkerMetrics
from workers.running.transactions import Database, StoppingError
from workers.settling.observe import Observed, observe

# The most observations in one transaction; a single message may have more.
_MOST_OBSERVATIONS = 500

Commit = Callable[[Answers], Observed]
"""Settles answers; returns once they have committed."""

_Entry = tuple[Answers, "Future[None]"]

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

    def commit(answers: Answers) -> Observed:
        bodies = [one.body for one in answers.observations]
        done = database.commit(lambda connection: observe(connection, answers, scope), bodies)
        metrics.answers_settled(done)
        notice.committed(is_marked=done.is_marked)
        _log.info("answers_settled", kept=done.kept, confirmed=done.confirmed, passed_over=done.passed_over)
        return done

    gathering = AnswersGathering(commit)

    def observe_(text: str) -> None:
        answers = decode_answers(text)
        with metrics.in_hand([one.observed_at for one in answers.observations]):
            gathering.settle(answers)

    dramatiq.actor(broker=broker, queue_name=QUEUE_NAME, actor_name=OBSERVING_ACTOR_NAME, throws=Exception)(observe_)


class AnswersGathering:
    """Commits answers, one transaction at a time; those that arrive meanwhile share the next one."""

    def __init__(self, commit: Commit) -> None:
        self._commit = commit
        self._waiting: deque[_Entry] = deque()
        self._turn = threading.Lock()

    def settle(self, answers: Answers) -> None:
        """Return once the answers have been committed.

        Raises:
            Exception: the error of the commit; nothing of them is committed.
        """
        done: Future[None] = Future()
        self._waiting.append((answers, done))
        with self._turn:
            while not done.done():
                self._settle_together(self._next())
        done.result()

    def _next(self) -> list[_Entry]:
        together: list[_Entry] = []
        count = 0
        while self._waiting and (not together or count + _size(self._waiting[0]) <= _MOST_OBSERVATIONS):
            count += _size(self._waiting[0])
            together.append(self._waiting.popleft())
        return together

    def _settle_together(self, together: Sequence[_Entry]) -> None:
        try:
            self._commit(Answers.of(answers for answers, _ in together))
        except BaseException as error:
            if len(together) > 1 and isinstance(error, Exception) and not isinstance(error, StoppingError):
                # The cause may be in one of them.
                for entry in together:
                    self._settle_together([entry])
                return
            for _, done in together:
                done.set_exception(error)
            if not isinstance(error, Exception):
                raise
        else:
            for _, done in together:
                done.set_result(None)


def _size(entry: _Entry) -> int:
    return len(entry[0].observations)
