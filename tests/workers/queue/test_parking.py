"""What this version can't read is parked: it holds up nobody and is not lost. The same rules on both queues."""

import json
import resource
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any

import dramatiq
import pika
import psycopg
import pytest

from runtime.addresses import is_postgres
from tests.workers.queue.deliveries import a_delivery, in_queue, kept_ids, note, wait_until
from tests.workers.queue.unreadable_messages import UNREADABLE, UNREADABLE_BYTES, envelope, put, text_of
from workers.queue.brokers import open_broker
from workers.queue.message import QUEUE_NAME, group_message
from workers.queue.parking import Parked
from workers.queue.rabbitmq_connection import parked_name
from workers.queue.unreadable import Unreadable
from workers.reading.scope import Scope
from workers.running.metrics import WorkerMetrics
from workers.running.worker import WorkerProcess, create_worker
from workers.settings import WorkerSettings

StartWorker = Callable[[], WorkerProcess]


@pytest.fixture
def metrics() -> WorkerMetrics:
    return WorkerMetrics()


@pytest.fixture
def start_worker(broker_url: str, queue_database: str, metrics: WorkerMetrics) -> Iterator[StartWorker]:
    """Start a worker on the queue, which only notes what it settles."""
    workers: list[WorkerProcess] = []

    def start() -> WorkerProcess:
        settings = WorkerSettings(queue_database, broker_url, Scope(), host="127.0.0.1", metrics_port=0)
        worker = create_worker(settings, note, threads=2, metrics=metrics)
        worker.start()
        workers.append(worker)
        return worker

    yield start
    for worker in workers:
        worker.stop()


def parked(broker_url: str) -> list[Parked]:
    broker = open_broker(broker_url)
    found = broker.parked(QUEUE_NAME)
    try:
        return list(found.look())
    finally:
        found.close()


def count_parked(broker_url: str) -> int:
    found = open_broker(broker_url).parked(QUEUE_NAME)
    try:
        return found.count()
    finally:
        found.close()


def enqueue(broker_url: str, *messages: dramatiq.Message[Any]) -> None:
    broker = open_broker(broker_url)
    for message in messages:
        broker.enqueue(message)
    broker.close()


def test_whatever_can_not_be_read_is_parked_with_the_reason_and_no_thread_ends(
    broker_url: str, queue_database: str, start_worker: StartWorker, metrics: WorkerMetrics
) -> None:
    put(broker_url, *(message for message, _ in UNREADABLE.values()))
    if not is_postgres(broker_url):
        put(broker_url, *UNREADABLE_BYTES.values())
    delivery = a_delivery()
    enqueue(broker_url, group_message([delivery]))
    expected = Counter(reason.value for _, reason in UNREADABLE.values())
    if not is_postgres(broker_url):
        expected += Counter({Unreadable.NO_MESSAGE.value: len(UNREADABLE_BYTES)})
    worker = start_worker()
    wait_until(lambda: kept_ids(queue_database) == {delivery.id})
    wait_until(lambda: count_parked(broker_url) == expected.total())
    assert worker.is_whole()
    assert worker.stop()
    found = parked(broker_url)
    assert Counter(one.reason for one in found) == expected
    assert all(one.parked_at is not None for one in found)
    assert in_queue(broker_url) == 0
    counted = {
        reason.value: metrics.registry.get_sample_value("rollcall_parked_total", {"reason": reason.value})
        for reason in Unreadable
    }
    assert counted == expected


def test_five_hundred_that_can_not_be_read_hold_up_nobody(
    broker_url: str, queue_database: str, start_worker: StartWorker
) -> None:
    put(broker_url, *(envelope(actor_name="an_actor_of_tomorrow") for _ in range(250)))
    put(broker_url, *(envelope(args=["no group"]) for _ in range(250)))
    delivery = a_delivery()
    enqueue(broker_url, group_message([delivery]))
    worker = start_worker()
    wait_until(lambda: kept_ids(queue_database) == {delivery.id}, 30)
    wait_until(lambda: count_parked(broker_url) == 500)
    # They do not come round again.
    received = worker._broker.received  # noqa: SLF001 - how often the queue gave something out
    enqueue(broker_url, group_message([a_delivery()]))
    wait_until(lambda: len(kept_ids(queue_database)) == 2)
    assert worker._broker.received == received + 1  # noqa: SLF001 - as above


def test_a_version_that_knows_the_actor_takes_what_is_parked_for_it_when_it_starts(
    broker_url: str, queue_database: str, start_worker: StartWorker, monkeypatch: pytest.MonkeyPatch
) -> None:
    delivery, group = a_delivery(), group_message([a_delivery()])
    foreign = envelope(actor_name="nobody_s")
    monkeypatch.setattr("workers.running.actor.ACTOR_NAME", "keep_of_yesterday")
    enqueue(broker_url, group, group_message([delivery]))
    put(broker_url, foreign)
    older = start_worker()
    wait_until(lambda: count_parked(broker_url) == 3)
    assert older.stop()
    monkeypatch.undo()
    newer = start_worker()
    wait_until(lambda: len(kept_ids(queue_database)) == 2)
    assert newer.stop()
    assert delivery.id in kept_ids(queue_database)
    [left] = parked(broker_url)
    assert left.actor == "nobody_s"
    assert json.loads(left.body or b"") == foreign


def test_what_is_parked_can_be_put_back_and_taken_out(broker_url: str, start_worker: StartWorker) -> None:
    put(broker_url, *(envelope(actor_name=f"actor-{number}") for number in range(3)))
    worker = start_worker()
    wait_until(lambda: count_parked(broker_url) == 3)
    worker.stop()
    place = open_broker(broker_url).parked(QUEUE_NAME)
    first, second, third = place.look()
    assert [one.actor for one in (first, second, third)] == ["actor-0", "actor-1", "actor-2"]
    place.take_back([first])
    place.remove([second])
    place.close()
    assert [one.actor for one in parked(broker_url)] == [third.actor]
    wait_until(lambda: in_queue(broker_url) == 1)


def test_a_bomb_costs_the_worker_no_more_memory_than_a_large_group(
    broker_url: str, queue_database: str, start_worker: StartWorker
) -> None:
    bomb = envelope(args=[text_of(b"\x00" * 500_000_000)])
    put(broker_url, *([bomb] * 4))
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    start_worker()
    wait_until(lambda: count_parked(broker_url) == 4)
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 200_000  # KB


@pytest.mark.rabbitmq
def test_where_nothing_may_be_parked_it_goes_back_to_the_end_of_the_queue(
    rabbitmq_url: str, queue_database: str, metrics: WorkerMetrics, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("workers.queue.rabbitmq_consumer.RETURN_PAUSE", 0.2)
    rabbitmq = pika.BlockingConnection(pika.URLParameters(rabbitmq_url))
    rabbitmq.channel().queue_declare(parked_name(QUEUE_NAME))  # of another kind than ours
    put(rabbitmq_url, envelope(actor_name="nobody_s"))
    delivery = a_delivery()
    enqueue(rabbitmq_url, group_message([delivery]))
    settings = WorkerSettings(queue_database, rabbitmq_url, Scope(), host="", metrics_port=0)
    worker = create_worker(settings, note, threads=2, metrics=metrics)
    worker.start()
    wait_until(lambda: kept_ids(queue_database) == {delivery.id})
    labels = {"reason": "unreadable"}
    wait_until(lambda: metrics.registry.get_sample_value("rollcall_messages_given_back_total", labels) == 2)
    assert worker.stop()
    wait_until(lambda: in_queue(rabbitmq_url) == 1)
    rabbitmq.channel().queue_delete(parked_name(QUEUE_NAME))
    rabbitmq.close()


def test_where_the_table_is_missing_it_goes_back_with_a_pause(
    queue_database: str, metrics: WorkerMetrics, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("workers.queue.postgres_consumer.RETURN_PAUSE", 0.2)
    with psycopg.connect(queue_database) as connection:
        connection.execute("DROP TABLE rollcall_queue.parked")
    put(queue_database, envelope(actor_name="nobody_s"))
    delivery = a_delivery()
    enqueue(queue_database, group_message([delivery]))
    settings = WorkerSettings(queue_database, queue_database, Scope(), host="", metrics_port=0)
    worker = create_worker(settings, note, threads=2, metrics=metrics)
    worker.start()
    wait_until(lambda: kept_ids(queue_database) == {delivery.id})
    labels = {"reason": "unreadable"}
    wait_until(lambda: (metrics.registry.get_sample_value("rollcall_messages_given_back_total", labels) or 0) >= 2)
    assert worker.stop()
    assert in_queue(queue_database) == 1


def test_a_parked_message_never_shows_its_body_by_itself() -> None:
    assert "secret" not in repr(Parked("id", None, None, 4, "no_message", b"secret", 1))
