"""A worker comes back by itself, whatever is done to its queue, to the virtual host or to its rights, under load."""

# ruff: noqa: SLF001 - what is asked about are a worker's own threads and connections

import threading
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import partial
from urllib.parse import urlsplit

import pika
import psycopg
import pytest

from tests.queues import rabbitmqctl
from tests.workers.queue.deliveries import a_delivery, kept_ids, note, wait_until
from workers.queue.brokers import open_broker
from workers.queue.delivery import Delivery
from workers.queue.message import QUEUE_NAME, group_message
from workers.queue.postgres import PostgresQueue
from workers.queue.publisher import QueueAwayError
from workers.queue.rabbitmq_connection import declare
from workers.reading.scope import Scope
from workers.running.metrics import WorkerMetrics
from workers.running.worker import WorkerProcess, create_worker
from workers.settings import WorkerSettings

# A broker that forgets its consumer does not do so each time.
ROUNDS = 3


@pytest.fixture
def own_vhost(rabbitmq_vhost: str) -> Iterator[str]:
    """The URL of a virtual host of one test's own."""
    name = f"rollcall-test-{uuid.uuid4().hex[:8]}"
    url = urlsplit(rabbitmq_vhost)._replace(path=f"/{name}").geturl()
    make_vhost(url)
    yield url
    rabbitmqctl("delete_vhost", name)


def make_vhost(url: str) -> None:
    name = urlsplit(url).path[1:]
    if not (rabbitmqctl("add_vhost", name) and permit(url)):
        pytest.fail("rabbitmqctl must be here, and may make virtual hosts.")


def permit(url: str) -> bool:
    parts = urlsplit(url)
    return rabbitmqctl("set_permissions", "-p", parts.path[1:], parts.username or "guest", ".*", ".*", ".*")


def delete_queue(url: str) -> None:
    connection = pika.BlockingConnection(pika.URLParameters(url))
    connection.channel().queue_delete(QUEUE_NAME)
    connection.close()


def delete_queue_and_declare_it(url: str) -> None:
    connection = pika.BlockingConnection(pika.URLParameters(url))
    channel = connection.channel()
    channel.queue_delete(QUEUE_NAME)
    declare(channel, QUEUE_NAME)
    connection.close()


def delete_vhost_and_make_it(url: str) -> None:
    assert rabbitmqctl("delete_vhost", urlsplit(url).path[1:])
    make_vhost(url)


def withdraw_permissions_and_give_them(url: str) -> None:
    parts = urlsplit(url)
    assert rabbitmqctl("clear_permissions", "-p", parts.path[1:], parts.username or "guest")
    assert permit(url)


@contextmanager
def load(broker_url: str) -> Iterator[None]:
    """Publish as fast as the queue takes it, as long as the block lasts."""
    stop = threading.Event()

    def publish() -> None:
        broker = open_broker(broker_url)
        while not stop.is_set():
            with suppress(QueueAwayError):
                broker.enqueue(group_message([a_delivery()]))
        broker.close()

    threads = [threading.Thread(target=publish) for _ in range(4)]
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        stop.set()
        for thread in threads:
            thread.join()


@pytest.mark.rabbitmq
@pytest.mark.parametrize(
    "disturb",
    [delete_queue, delete_queue_and_declare_it, delete_vhost_and_make_it, withdraw_permissions_and_give_them],
)
def test_what_is_published_after_a_disturbance_is_settled(
    disturb: Callable[[str], None], own_vhost: str, queue_database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("workers.queue.rabbitmq_consumer.RENEW_AFTER", 1.0)
    settings = WorkerSettings(queue_database, own_vhost, Scope(), host="", metrics_port=0)
    worker = create_worker(settings, note, threads=4)
    worker.start()
    for _ in range(ROUNDS):
        before = len(kept_ids(queue_database))
        with load(own_vhost):
            wait_until(lambda: len(kept_ids(queue_database)) > before)  # noqa: B023 - of this round
            disturb(own_vhost)
        delivery = a_delivery()
        wait_until(partial(takes, own_vhost, delivery))
        wait_until(lambda: delivery.id in kept_ids(queue_database))  # noqa: B023 - as above
    assert worker.is_whole()
    assert worker.stop()


def takes(broker_url: str, delivery: Delivery) -> bool:
    """Whether the queue takes a delivery now."""
    broker = open_broker(broker_url)
    try:
        broker.enqueue(group_message([delivery]))
    except QueueAwayError:
        return False
    finally:
        broker.close()
    return True


@pytest.mark.rabbitmq
def test_an_idle_consumer_opens_a_new_channel_and_loses_nothing_by_it(
    rabbitmq_url: str, queue_database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("workers.queue.rabbitmq_consumer.RENEW_AFTER", 0.0)
    settings = WorkerSettings(queue_database, rabbitmq_url, Scope(), host="", metrics_port=0)
    worker = create_worker(settings, note, threads=2)
    worker.start()
    deliveries = [a_delivery() for _ in range(50)]
    wait_until(partial(takes, rabbitmq_url, deliveries[0]))
    broker = open_broker(rabbitmq_url)
    for delivery in deliveries[1:]:
        broker.enqueue(group_message([delivery]))
    wait_until(lambda: kept_ids(queue_database) == {delivery.id for delivery in deliveries})
    assert worker.stop()
    assert broker.waiting(QUEUE_NAME) == 0
    broker.close()


def test_a_consumer_that_takes_nothing_while_messages_wait_connects_again(
    queue_database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("workers.running.queue_watch._LOOK_INTERVAL", 0.1)
    monkeypatch.setattr("workers.running.stall.PATIENCE", 0.5)
    metrics = WorkerMetrics()
    settings = WorkerSettings(queue_database, queue_database, Scope(), host="", metrics_port=0)
    worker = create_worker(settings, note, threads=2, metrics=metrics)
    # As if its hands were full of messages that are nowhere.
    assert isinstance(worker._broker, PostgresQueue)
    worker._broker.held.update(str(number) for number in range(100))
    worker.start()
    delivery = a_delivery()
    assert takes(queue_database, delivery)
    wait_until(lambda: kept_ids(queue_database) == {delivery.id})
    assert (metrics.registry.get_sample_value("rollcall_consumer_renewals_total") or 0) >= 1
    assert worker.is_whole()
    assert worker.stop()


def test_a_listener_that_hears_nothing_costs_no_more_than_a_look(queue_database: str) -> None:
    settings = WorkerSettings(queue_database, queue_database, Scope(), host="", metrics_port=0)
    worker = create_worker(settings, note, threads=2)
    worker.start()
    with psycopg.connect(queue_database, autocommit=True) as connection:
        listening = "SELECT pid FROM pg_stat_activity WHERE application_name = 'rollcall worker (listens)'"
        wait_until(lambda: connection.execute(listening).fetchone())
        connection.execute(f"SELECT pg_terminate_backend(pid) FROM ({listening}) AS listeners")
    delivery = a_delivery()
    assert takes(queue_database, delivery)
    wait_until(lambda: kept_ids(queue_database) == {delivery.id})
    assert worker.stop()


def end(*_: object, **__: object) -> None:
    raise SystemExit  # ends a thread without a word


def end_a_worker_thread(worker: WorkerProcess) -> None:
    worker._worker.workers[0].stop()


def end_the_consumer(worker: WorkerProcess) -> None:
    worker._worker.consumers[QUEUE_NAME].stop()


def end_the_queue_watch(worker: WorkerProcess) -> None:
    worker._watch._look = end  # type: ignore[method-assign]  # as said


def end_the_parked_watch(worker: WorkerProcess) -> None:
    worker._parked_watch._look = end  # type: ignore[method-assign, assignment]  # as said


def end_the_listener(worker: WorkerProcess) -> None:
    assert isinstance(worker._broker, PostgresQueue)
    worker._broker.notifier.stopping.set()


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
@pytest.mark.parametrize(
    "end_thread",
    [end_a_worker_thread, end_the_consumer, end_the_queue_watch, end_the_parked_watch, end_the_listener],
)
def test_a_worker_one_of_whose_threads_has_ended_is_not_whole(
    end_thread: Callable[[WorkerProcess], None], queue_database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in ("queue_watch", "parked_watch"):
        monkeypatch.setattr(f"workers.running.{module}._LOOK_INTERVAL", 0.1)
    settings = WorkerSettings(queue_database, queue_database, Scope(), host="", metrics_port=0)
    worker = create_worker(settings, note, threads=2)
    worker.start()
    assert takes(queue_database, a_delivery())
    wait_until(lambda: kept_ids(queue_database))
    assert worker.is_whole()
    end_thread(worker)
    wait_until(lambda: not worker.is_whole())
    worker.stop()
