"""The Dramatiq actor: one queue message, one transaction."""

import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Any

import dramatiq
import psycopg
import structlog

from workers.database import Database
from workers.metrics import WorkerMetrics
from workers.queue.delivery import Delivery
from workers.queue.message import ACTOR_NAME, QUEUE_NAME, decode_group
from workers.scope import Scope

Settle = Callable[[psycopg.Connection[tuple[Any, ...]], Sequence[Delivery], Scope], None]
"""Writes what deliveries mean, inside the caller's transaction; may be done again with the same deliveries."""

_log = structlog.get_logger(__name__)


def declare_actor(
    broker: dramatiq.Broker, settle: Settle, database: Database, scope: Scope, metrics: WorkerMetrics
) -> None:
    """Tell the broker what to do with a group of deliveries: the actor returns only after its commit."""

    def keep(text: str) -> None:
        begun = time.monotonic()
        deliveries = decode_group(text)
        database.commit(lambda connection: settle(connection, deliveries, scope))
        metrics.group_settled(deliveries, time.monotonic() - begun, datetime.now(UTC))
        _log.info("group_settled", deliveries=[str(delivery.id) for delivery in deliveries])

    dramatiq.actor(broker=broker, queue_name=QUEUE_NAME, actor_name=ACTOR_NAME, throws=Exception)(keep)
