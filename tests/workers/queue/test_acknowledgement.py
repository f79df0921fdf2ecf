"""Only what committed leaves the queue. The same rules on both queues."""

import threading
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import dramatiq
import psycopg
import pytest

from tests.workers.queue.deliveries import a_delivery, in_queue, kept_ids, note, wait_until
from workers.queue import acknowledgement
from workers.queue.brokers import open_broker
from workers.queue.delivery import Delivery
from workers.queue.message import group_message
from workers.reading.scope import Scope
from workers.running.worker import WorkerProcess, create_worker
from workers.settings import WorkerSettings
from workers.settling.settlement import Settle, Settlement

StartWorker = Callable[[Settle], WorkerProcess]


@pytest.fixture
def start_worker(broker_url: str, queue_database: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[StartWorker]:
    """Start a worker on the queue with a `settle`; a message that is given back is tried again soon."""
    for module in ("postgres_consumer", "rabbitmq_consumer"):
        monkeypatch.setattr(f"workers.queue.{module}.RETURN_PAUSE", 0.2)
    workers: list[WorkerProcess] = []

    def start(settle: Settle) -> WorkerProcess:
        settings = WorkerSettings(queue_database, broker_url, Scope(), host="127.0.0.1", metrics_port=0)
        worker = create_worker(settings, settle, threads=2)
        worker.start()
        workers.append(worker)
        return worker

    yield start
    for worker in workers:
        worker.stop()


def publish(broker_url: str, *messages: dramatiq.Message[Any]) -> None:
    broker = open_broker(broker_url)
    for message in messages:
        broker.enqueue(message)
    broker.close()


def test_a_group_that_committed_leaves_the_queue(
    broker_url: str, queue_database: str, start_worker: StartWorker
) -> None:
    group = [a_delivery(), a_delivery()]
    publish(broker_url, group_message(group))
    worker = start_worker(note)
    wait_until(lambda: kept_ids(queue_database) == {delivery.id for delivery in group})
    worker.stop()
    assert in_queue(broker_url) == 0


def test_a_group_whose_settling_fails_stays_in_the_queue_until_it_succeeds(
    broker_url: str, queue_database: str, start_worker: StartWorker
) -> None:
    tries: list[int] = []

    def fail_twice(connection: psycopg.Connection[Any], deliveries: Sequence[Delivery], scope: Scope) -> Settlement:
        settlement = note(connection, deliveries, scope)
        tries.append(1)
        if len(tries) < 3:
            raise RuntimeError("not this time")
        return settlement

    delivery = a_delivery()
    publish(broker_url, group_message([delivery]))
    worker = start_worker(fail_twice)
    wait_until(lambda: kept_ids(queue_database) == {delivery.id})
    worker.stop()
    assert len(tries) == 3
    assert in_queue(broker_url) == 0


def test_a_stop_gives_back_what_was_not_begun_and_finishes_what_was(
    broker_url: str, queue_database: str, start_worker: StartWorker
) -> None:
    begun, go_on = threading.Event(), threading.Event()

    def wait_and_note(connection: psycopg.Connection[Any], deliveries: Sequence[Delivery], scope: Scope) -> Settlement:
        begun.set()
        go_on.wait(30)
        return note(connection, deliveries, scope)

    publish(broker_url, *(group_message([a_delivery()]) for _ in range(10)))
    worker = start_worker(wait_and_note)
    assert begun.wait(30)
    stopping = threading.Thread(target=worker.stop)
    stopping.start()
    go_on.set()
    stopping.join(30)
    finished = len(kept_ids(queue_database))
    assert 1 <= finished < 10
    wait_until(lambda: in_queue(broker_url) == 10 - finished)


def test_the_pause_before_another_try_is_longer_than_a_rolling_restart_notices() -> None:
    assert acknowledgement.RETURN_PAUSE >= 1
