"""The Dramatiq actor: settles a whole queue message in one transaction before it is acknowledged."""

import time
from collections.abc import Sequence
from datetime import UTC, datetime

import dramatiq
import structlog

from workers.queue.delivery import Delivery
from workers.queue.message import ACTOR_NAME, QUEUE_NAME, decode_group
from workers.reading.scope import Scope
from workers.running.gathering import Gathering
from workers.running.mark_notice import MarkNotice
from workers.running.metrics import WorkerMetrics
from workers.running.refusals import Refusals
from workers.running.transactions import Database, StoppingError
from workers.settling.apart import Apart, settle_apart
from workers.settling.settlement import NOTHING, Settle, Settlement

# Quarantined deliveries logged individually per group; the rest is counted. The ledger lists them all.
_MOST_NAMED = 20

_log = structlog.get_logger(__name__)


def declare_actor(  # noqa: PLR0913, PLR0917 - the parts of a worker, each once
    broker: dramatiq.Broker,
    settle: Settle,
    database: Database,
    scope: Scope,
    metrics: WorkerMetrics,
    notice: MarkNotice,
) -> Gathering:
    """Register the actor for groups of deliveries; it returns only after the group's commit."""
    refusals = Refusals(metrics)

    def attempt(deliveries: Sequence[Delivery]) -> Apart:
        bodies = [delivery.body for delivery in deliveries]
        try:
            return Apart(database.commit(lambda connection: settle(connection, deliveries, scope), bodies), {})
        except StoppingError:
            raise
        except Exception:  # noqa: BLE001 - whatever it is, it may not affect all groups
            return database.commit(lambda connection: settle_apart(connection, deliveries, scope, settle), bodies)

    def commit(deliveries: Sequence[Delivery]) -> Apart:
        begun = time.monotonic()
        try:
            apart = attempt(deliveries)
        except StoppingError:
            raise
        except Exception as error:  # noqa: BLE001 - re-raised in the threads that own the groups
            apart = Apart(NOTHING, dict.fromkeys([delivery.id for delivery in deliveries], error))
        settled = deliveries
        if apart.refused:
            settled = [delivery for delivery in deliveries if delivery.id not in apart.refused]
            refusals.seen(deliveries, apart.refused)
        if settled:
            metrics.group_settled(settled, apart.settlement, time.monotonic() - begun, datetime.now(UTC))
            _log_settled(settled, apart.settlement)
        notice.committed(is_marked=apart.settlement.is_marked)
        return apart

    gathering = Gathering(commit, database.stopping)

    def keep(text: str) -> None:
        deliveries = decode_group(text)
        with metrics.in_hand([delivery.received_at for delivery in deliveries]):
            gathering.settle(deliveries)

    dramatiq.actor(broker=broker, queue_name=QUEUE_NAME, actor_name=ACTOR_NAME, throws=Exception)(keep)
    return gathering


def _log_settled(deliveries: Sequence[Delivery], settlement: Settlement) -> None:
    statuses = {status.value: count for status, count in settlement.statuses.items()}
    _log.info("group_settled", deliveries=[str(delivery.id) for delivery in deliveries], **statuses)
    for delivery_id, reason in settlement.quarantined[:_MOST_NAMED]:
        _log.warning("delivery_quarantined", delivery_id=str(delivery_id), reason=reason)
    more = len(settlement.quarantined) - _MOST_NAMED
    if more > 0:
        _log.warning("more_quarantined", deliveries=more)
