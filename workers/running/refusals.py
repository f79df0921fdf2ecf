"""Reports what the database refuses, in the log and the metrics: the deliveries and the server's message."""

import time
from collections.abc import Iterable, Mapping, Sequence
from uuid import UUID

import psycopg
import structlog

from runtime.error_message import message_without_values
from workers.queue.delivery import Delivery
from workers.running.metrics import WorkerMetrics

# The most deliveries named per message; the rest is counted.
_MOST_NAMED = 20
# Seconds before the same message is logged again: held deliveries are retried every few seconds.
_SAID_FOR = 60.0

_log = structlog.get_logger(__name__)


class Refusals:
    """The refusals of one worker process. Only for the settling thread."""

    def __init__(self, metrics: WorkerMetrics) -> None:
        self._metrics = metrics
        self._said: dict[tuple[str | None, str], float] = {}

    def seen(self, deliveries: Sequence[Delivery], refused: Mapping[UUID, Exception]) -> None:
        """Count the refused deliveries, and log each of the server's messages with the deliveries it concerns."""
        of_error: dict[int, tuple[psycopg.Error, list[Delivery]]] = {}
        for delivery in deliveries:
            error = refused.get(delivery.id)
            if isinstance(error, psycopg.Error):
                of_error.setdefault(id(error), (error, []))[1].append(delivery)
        of_sentence: dict[tuple[str | None, str], tuple[psycopg.Error, list[Delivery]]] = {}
        for error, about in of_error.values():
            says = message_without_values(error, (delivery.body for delivery in about))
            of_sentence.setdefault((error.sqlstate, says), (error, []))[1].extend(about)
        self._metrics.deliveries_refused(sum(len(about) for _, about in of_sentence.values()))
        now = time.monotonic()
        self._said = {sentence: at for sentence, at in self._said.items() if now - at < _SAID_FOR}
        for sentence, (error, about) in of_sentence.items():
            if sentence not in self._said:
                self._said[sentence] = now
                _say(error, sentence[1], [delivery.id for delivery in about])


def _say(error: psycopg.Error, says: str, ids: Iterable[UUID]) -> None:
    ids = list(ids)
    _log.error(
        "database_refuses",
        says=says,
        sqlstate=error.sqlstate,
        error=type(error).__name__,
        table=error.diag.table_name,
        deliveries=[str(id_) for id_ in ids[:_MOST_NAMED]],
        more=max(0, len(ids) - _MOST_NAMED),
        remedy="fix what the server names; the deliveries are held and retried automatically",
    )
