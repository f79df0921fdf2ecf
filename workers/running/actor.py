"""The Dramatiq actor: a queue message is settled whole, in one transaction, before it is acknowledged."""

import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Any

import dramatiq
import psycopg
import structlog

from workers.queue.delivery import Delivery
from workers.queue.message import ACTOR_NAME, QUEUE_NAME, decode_group
from workers.reading.scope import Scope
from workers.running.gathering import Gathering
from workers.running.metrics import WorkerMetrics
from workers.running.transactions import Database
from workers.settling.settlement import Settlement

Settle = Callable[[psycopg.Connection[tuple[Any, ...]], Sequence[Delivery], Scope], Settlement]
"""Writes what deliveries mean, inside the caller's transaction; may be done again with the same deliveries."""

# Deliveries of one group that are logged as quarantined one by one; the rest is counted. The ledger names them all.
_MOST_NAMED = 20

_log = structlog.get_logger(__name__)


def declare_actor(
    broker: dramatiq.Broker, settle: Settle, database: Database, scope: Scope, metrics: WorkerMetrics
) -> None:
    """Tell the broker what to do with a group of deliveries: the actor returns only after the group's commit."""

    def commit(deliveries: Sequence[Delivery]) -> None:
        begun = time.monotonic()
        settlement = database.commit(lambda connection: settle(connection, deliveries, scope))
        metrics.group_settled(deliveries, settlement, time.monotonic() - begun, datetime.now(UTC))
        _log_settled(deliveries, settlement)

    gathering = Gathering(commit)

    def keep(text: str) -> None:
        deliveries = decode_group(text)
        with metrics.in_hand(deliveries):
            gathering.settle(deliveries)

    dramatiq.actor(broker=broker, queue_name=QUEUE_NAME, actor_name=ACTOR_NAME, throws=Exception)(keep)


def _log_settled(deliveries: Sequence[Delivery], settlement: Settlement) -> None:
    statuses = {status.value: count for status, count in settlement.statuses.items()}
    _log.info("group_settled", deliveries=[str(delivery.id) for delivery in deliveries], **statuses)
    for delivery_id, reason in settlement.quarantined[:_MOST_NAMED]:
        _log.warning("delivery_quarantined", delivery_id=str(delivery_id), reason=reason)
    more = len(settlement.quarantined) - _MOST_NAMED
    if more > 0:
        _log.warning("more_quarantined", deliveries=more)
