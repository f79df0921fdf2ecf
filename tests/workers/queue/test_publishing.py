"""Publishing: one try, confirmed, cut off when it hangs. The same rules on both queues."""

import threading
from collections.abc import Callable
from contextlib import suppress

import pika
import psycopg
import pytest
from dramatiq.errors import BrokerConnectionError
from pika.adapters.blocking_connection import BlockingChannel
from structlog.testing import capture_logs

from tests.faults.tcp_proxy import TcpProxy
from tests.queues import proxy_of, through
from tests.workers.queue.deliveries import a_delivery, in_queue, wait_until
from workers.queue.brokers import open_broker
from workers.queue.message import QUEUE_NAME, group_message
from workers.queue.rabbitmq import RabbitmqQueue


def test_a_confirmed_message_is_in_the_queue(broker_url: str) -> None:
    broker = open_broker(broker_url)
    for _ in range(3):
        broker.enqueue(group_message([a_delivery()]))
    assert in_queue(broker_url) == 3
    broker.close()


def test_a_publish_that_hangs_ends_with_an_error_once_it_is_cut_off(proxied_url: str, proxy: TcpProxy) -> None:
    broker = open_broker(proxied_url)
    broker.keep_alive()
    proxy.freeze()
    outcome: list[BaseException] = []

    def publish() -> None:
        try:
            broker.enqueue(group_message([a_delivery()]))
        except BrokerConnectionError as error:
            outcome.append(error)

    thread = threading.Thread(target=publish)
    thread.start()
    wait_until(lambda: _cut(broker.abort, thread))
    assert len(outcome) == 1
    broker.close()


def _cut(abort: Callable[[], None], thread: threading.Thread) -> bool:
    abort()
    thread.join(0.1)
    return not thread.is_alive()


@pytest.mark.parametrize("fault", ["cut", "half_close"])
def test_after_a_lost_connection_the_next_publish_or_the_one_after_it_goes_through(
    fault: str, broker_url: str, proxied_url: str, proxy: TcpProxy
) -> None:
    broker = open_broker(proxied_url)
    broker.enqueue(group_message([a_delivery()]))
    getattr(proxy, fault)()

    def goes_through() -> bool:
        with suppress(BrokerConnectionError):
            broker.enqueue(group_message([a_delivery()]))
            return True
        return False

    wait_until(goes_through)
    assert in_queue(broker_url) >= 2
    broker.close()


def test_a_queue_that_is_away_is_an_error_after_one_try(proxied_url: str, proxy: TcpProxy) -> None:
    proxy.refuse()
    broker = open_broker(proxied_url)
    with pytest.raises(BrokerConnectionError):
        broker.enqueue(group_message([a_delivery()]))
    with pytest.raises(BrokerConnectionError):
        broker.keep_alive()
    broker.close()


@pytest.mark.rabbitmq
class TestRabbitmq:
    def test_who_aborts_does_not_wait_for_a_broker_that_fell_silent_once_it_had_let_us_in(
        self, rabbitmq_url: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        with proxy_of(rabbitmq_url) as proxy:
            broker = open_broker(through(proxy, rabbitmq_url))
            open_channel, asks_for_channel = pika.BlockingConnection.channel, threading.Event()

            def fall_silent(connection: pika.BlockingConnection) -> BlockingChannel:
                proxy.freeze()
                asks_for_channel.set()
                return open_channel(connection)

            monkeypatch.setattr(pika.BlockingConnection, "channel", fall_silent)
            outcome: list[BaseException] = []

            def publish() -> None:
                try:
                    broker.enqueue(group_message([a_delivery()]))
                except BrokerConnectionError as error:
                    outcome.append(error)

            publishing = threading.Thread(target=publish)
            publishing.start()
            assert asks_for_channel.wait(30)
            aborting = threading.Thread(target=broker.abort)
            aborting.start()
            aborting.join(5)  # far less than pika takes to miss its heartbeats
            waited = aborting.is_alive()
            wait_until(lambda: _cut(broker.abort, publishing))
            assert not waited
            assert len(outcome) == 1

    def test_a_broker_that_takes_connections_and_says_nothing_is_an_error_after_one_try(
        self, rabbitmq_url: str
    ) -> None:
        with proxy_of(rabbitmq_url) as proxy:
            proxy.freeze()
            broker = RabbitmqQueue(through(proxy, rabbitmq_url))
            for parameters in broker.parameters:
                parameters.stack_timeout = 0.5  # as long as it is for users need no test wait
            with pytest.raises(BrokerConnectionError):
                broker.enqueue(group_message([a_delivery()]))
            with pytest.raises(BrokerConnectionError):
                broker.consume(QUEUE_NAME)

    def test_the_queue_is_a_durable_quorum_queue_and_the_only_one(self, rabbitmq_url: str) -> None:
        broker = open_broker(rabbitmq_url)
        broker.enqueue(group_message([a_delivery()]))
        broker.close()
        connection = pika.BlockingConnection(pika.URLParameters(rabbitmq_url))
        connection.channel().queue_declare(
            QUEUE_NAME, durable=True, arguments={"x-queue-type": "quorum", "x-delivery-limit": 2_000_000_000}
        )
        for other in (f"{QUEUE_NAME}.DQ", f"{QUEUE_NAME}.XQ"):
            with pytest.raises(pika.exceptions.ChannelClosedByBroker, match="NOT_FOUND"):
                connection.channel().queue_declare(other, passive=True)
        connection.close()

    def test_a_queue_that_was_declared_classic_is_named_with_the_way_out(self, rabbitmq_url: str) -> None:
        connection = pika.BlockingConnection(pika.URLParameters(rabbitmq_url))
        connection.channel().queue_declare(QUEUE_NAME, durable=True)
        broker = open_broker(rabbitmq_url)
        with capture_logs() as logs, pytest.raises(BrokerConnectionError, match=f"delete_queue .*{QUEUE_NAME}"):
            broker.enqueue(group_message([a_delivery()]))
        assert [log["event"] for log in logs] == ["queue_misdeclared"]
        broker.close()
        connection.channel().queue_delete(QUEUE_NAME)
        connection.close()

    def test_a_queue_that_was_deleted_is_declared_anew(self, rabbitmq_url: str) -> None:
        broker = open_broker(rabbitmq_url)
        broker.enqueue(group_message([a_delivery()]))
        connection = pika.BlockingConnection(pika.URLParameters(rabbitmq_url))
        connection.channel().queue_delete(QUEUE_NAME)
        connection.close()
        with pytest.raises(BrokerConnectionError):
            broker.enqueue(group_message([a_delivery()]))
        broker.enqueue(group_message([a_delivery()]))
        assert in_queue(rabbitmq_url) == 1
        broker.close()

    def test_of_several_nodes_one_that_lives_is_found(self, rabbitmq_url: str) -> None:
        with TcpProxy(("127.0.0.1", 1)) as dead:
            broker = open_broker(f"amqp://guest:guest@127.0.0.1:{dead.port}; {rabbitmq_url}")
            broker.enqueue(group_message([a_delivery()]))
            broker.close()
        assert in_queue(rabbitmq_url) == 1


class TestPostgres:
    def test_a_message_that_is_published_again_under_its_id_is_there_once(self, queue_database: str) -> None:
        broker, message = open_broker(queue_database), group_message([a_delivery()])
        broker.enqueue(message)
        broker.enqueue(message)
        broker.close()
        assert in_queue(queue_database) == 1

    def test_a_commit_is_on_disk_even_where_the_database_is_set_to_answer_before(self, queue_database: str) -> None:
        with psycopg.connect(queue_database, autocommit=True) as connection:
            connection.execute(f'ALTER DATABASE "{connection.info.dbname}" SET synchronous_commit = off')
        broker = open_broker(queue_database)
        broker.keep_alive()
        publishing = broker._publishing  # noqa: SLF001 - the session itself is what is asked about
        assert isinstance(publishing, psycopg.Connection)
        assert publishing.execute("SHOW synchronous_commit").fetchone() == ("on",)
        broker.close()
