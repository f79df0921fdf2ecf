"""What a worker shows of its queue, on both queues: how much waits, what is given back and why."""

from collections.abc import Sequence
from typing import Any

import psycopg
import pytest

from tests.faults.tcp_proxy import TcpProxy
from tests.workers.queue.deliveries import a_delivery, kept_ids, note, wait_until
from workers.queue.brokers import open_broker
from workers.queue.delivery import Delivery
from workers.queue.message import QUEUE_NAME, group_message
from workers.queue.publisher import QueueAwayError
from workers.reading.scope import Scope
from workers.running.metrics import WorkerMetrics
from workers.running.worker import create_worker
from workers.settings import WorkerSettings
from workers.settling.settlement import Settlement


def test_what_waits_in_the_queue_is_counted_by_message(broker_url: str) -> None:
    broker = open_broker(broker_url)
    assert broker.waiting(QUEUE_NAME) == 0
    for size in (1, 2, 3):
        broker.enqueue(group_message([a_delivery() for _ in range(size)]))
    wait_until(lambda: broker.waiting(QUEUE_NAME) == 3)
    broker.close()


def test_a_queue_that_is_away_is_told_and_found_again(proxied_url: str, proxy: TcpProxy) -> None:
    broker = open_broker(proxied_url)
    assert broker.waiting(QUEUE_NAME) == 0
    proxy.refuse()
    with pytest.raises(QueueAwayError):
        broker.waiting(QUEUE_NAME)
    proxy.admit()
    assert broker.waiting(QUEUE_NAME) == 0
    broker.close()


def test_a_message_that_goes_back_is_counted_by_the_reason(
    broker_url: str, queue_database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in ("postgres_consumer", "rabbitmq_consumer"):
        monkeypatch.setattr(f"workers.queue.{module}.RETURN_PAUSE", 0.2)
    failing, good = a_delivery(), a_delivery()

    def fail_at_one(connection: psycopg.Connection[Any], deliveries: Sequence[Delivery], scope: Scope) -> Settlement:
        if deliveries[0].id == failing.id:
            raise RuntimeError("not this one")
        return note(connection, deliveries, scope)

    metrics = WorkerMetrics()
    settings = WorkerSettings(queue_database, broker_url, Scope(), host="", metrics_port=0)
    worker = create_worker(settings, fail_at_one, threads=2, metrics=metrics)
    worker.start()

    def given_back(reason: str) -> float:
        return metrics.registry.get_sample_value("rollcall_messages_given_back_total", {"reason": reason}) or 0

    broker = open_broker(broker_url)
    # The worker has made the queue by then; one that is just being made refuses.
    wait_until(lambda: metrics.registry.get_sample_value("rollcall_queue_up") == 1)
    broker.enqueue(group_message([failing]))
    broker.enqueue(group_message([good]))
    wait_until(lambda: given_back("failed") >= 1 and kept_ids(queue_database) == {good.id})
    assert given_back("unreadable") == 0
    broker.close()
    assert worker.stop()
    assert metrics.registry.get_sample_value("rollcall_deliveries_total", {"status": "processed"}) == 1
    assert metrics.registry.get_sample_value("rollcall_settled_total") == 1
