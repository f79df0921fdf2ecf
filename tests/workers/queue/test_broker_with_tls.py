"""A RabbitMQ that requires TLS, with a private certificate authority, and client certificates."""

import os
import shutil
import socket
from collections.abc import Iterator
from contextlib import closing, suppress
from dataclasses import dataclass
from pathlib import Path

import pytest

from benchmarks.chaos.rabbitmq_nodes import RabbitmqNode, rabbitmq_server
from tests.authority import Authority
from tests.conftest import make_reachable_folder
from tests.processes import run_system
from tests.receiver.running import wait_until
from tests.workers.queue.deliveries import a_delivery
from workers.queue.broker_address import broker_url
from workers.queue.brokers import open_broker
from workers.queue.message import group_message
from workers.queue.publisher import QueueAwayError

pytestmark = pytest.mark.rabbitmq

_SETTINGS = """
listeners.ssl.default = 127.0.0.1:{port}
ssl_options.cacertfile = {authority.file}
ssl_options.certfile = {certificate}
ssl_options.keyfile = {key}
ssl_options.verify = verify_peer
ssl_options.fail_if_no_peer_cert = true
"""


@dataclass
class Broker:
    """Where it is, and the files that lead to it."""

    url: str
    authority: Authority
    other: Authority
    client: str
    """The options of a client's certificate."""

    def url_with(self, *options: str) -> str:
        return f"{self.url}/?{'&'.join(options)}"


@pytest.fixture(scope="module")
def broker() -> Iterator[Broker]:
    if rabbitmq_server() is None:
        if os.environ.get("CI") == "true":
            pytest.fail("RabbitMQ is not installed.")
        pytest.skip("RabbitMQ is not installed.")
    folder = make_reachable_folder()
    authority, other = Authority(folder), Authority(folder, "other")
    certificate, key = authority.issue("mq.example", "127.0.0.1")
    node = RabbitmqNode(1, folder, settings_too=_SETTINGS)
    settings = folder / "rabbitmq-1.conf"
    settings.write_text(
        settings.read_text().format(port=node.port + 1, authority=authority, certificate=certificate, key=key)
    )
    node.part.start()
    try:
        wait_until(node.answers, "RabbitMQ answers", seconds=120)
        wait_until(lambda: listens(node.port + 1), "RabbitMQ accepts TLS connections", seconds=60)
        client = "certfile={}&keyfile={}".format(*authority.issue("client"))
        yield Broker(f"amqps://guest:guest@127.0.0.1:{node.port + 1}", authority, other, client)
    finally:
        node.part.kill()
        shutil.rmtree(folder)


def listens(port: int) -> bool:
    with suppress(ConnectionRefusedError), socket.create_connection(("127.0.0.1", port)):
        return True
    return False


def publish(url: str, **environment: str) -> None:
    with closing(open_broker(broker_url({"BROKER_URL": url, **environment}))) as queue:
        queue.enqueue(group_message([a_delivery()]))


def test_it_lets_in_who_knows_its_authority_and_is_known_to_it(broker: Broker) -> None:
    named = f"cacertfile={broker.authority.file}"
    publish(broker.url_with(named, broker.client, "verify=verify_peer"))
    publish(broker.url_with(named, broker.client, "server_name_indication=mq.example"))
    publish(broker.url_with(broker.client), SSL_CERT_FILE=str(broker.authority.file))
    publish(f"{broker.url_with(broker.client, named)};{broker.url}")


def test_it_is_not_talked_to_under_another_authority_or_name(broker: Broker) -> None:
    named = f"cacertfile={broker.authority.file}"
    for options, environment in (
        ((broker.client,), {}),
        ((broker.client, f"cacertfile={broker.other.file}"), {}),
        ((broker.client,), {"SSL_CERT_FILE": str(broker.other.file)}),
        ((broker.client,), {"SSL_CERT_FILE": "/gone"}),
        ((broker.client, named, "server_name_indication=other.example"), {}),
    ):
        with pytest.raises(QueueAwayError, match="SSLCertVerificationError"):
            publish(broker.url_with(*options), **environment)
    with pytest.raises(QueueAwayError):
        publish(broker.url_with(named))


def test_receiver_worker_and_doctor_reach_it(broker: Broker, database_url: str, tmp_path: Path) -> None:
    (tmp_path / ".env").write_text(f"SSL_CERT_FILE={broker.authority.file}\n")
    with run_system(tmp_path, database_url, BROKER_URL=broker.url_with(broker.client)) as system:
        assert system.post(b'{"event":"meeting.started"}', "dyte", "one").status == 200
        system.wait_for(1)
        assert "quorum queue 'rollcall'" in system.rollcall("doctor")
        (tmp_path / ".env").write_text(f"SSL_CERT_FILE={broker.other.file}\n")
        assert "cacertfile" in system.rollcall("doctor")
        (tmp_path / ".env").write_text("SSL_CERT_FILE=/gone\n")
        system.log("workers").unlink()
        worker = system.start("workers")
        wait_until(lambda: "worker_started" in system.log("workers").read_text(), "it has started all the same")
        assert "variable_unusable" in system.log("workers").read_text()
        worker.terminate()
        assert worker.wait(30) == 0
