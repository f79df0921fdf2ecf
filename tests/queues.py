"""Both real queues: each test that uses `broker_url` runs on an empty queue in Postgres and in RabbitMQ."""

import os
import shutil
import subprocess
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import urlsplit

import pika
import psycopg
import pytest
from dramatiq_postgres import schema
from pika.exceptions import AMQPError
from psycopg.conninfo import conninfo_to_dict

from runtime.addresses import is_postgres
from tests.faults.tcp_proxy import TcpProxy
from tests.turns import turn_at
from tests.workers.queue.deliveries import make_kept_table
from workers.queue.message import QUEUE_NAME
from workers.queue.rabbitmq_connection import parked_name

_OWN_VHOST = "rollcall-test-"
DEFAULT_RABBITMQ_URL = "amqp://guest:guest@127.0.0.1:5672"


@pytest.fixture
def queue_database(database_url: str) -> str:
    """A database with the queue's tables, and with a table `kept` that the tests' own `settle` fills."""
    with psycopg.connect(database_url) as connection:
        schema.init(connection.cursor(), schema="rollcall_queue")  # type: ignore[no-untyped-call]
        make_kept_table(connection)
    return database_url


@pytest.fixture(scope="session")
def rabbitmq_vhost() -> Iterator[str]:
    """The URL of a virtual host for this test run, or RABBITMQ_URL itself if none can be created."""
    url = os.environ.get("RABBITMQ_URL", DEFAULT_RABBITMQ_URL)
    if not _lets_in(url):
        if os.environ.get("CI") == "true":
            pytest.fail("RabbitMQ does not answer at RABBITMQ_URL.")
        pytest.skip("RabbitMQ does not answer at RABBITMQ_URL.")
    name = f"{_OWN_VHOST}{uuid.uuid4().hex[:8]}"
    own_url = urlsplit(url)._replace(path=f"/{name}").geturl()
    user = urlsplit(url).username or "guest"
    is_made = rabbitmqctl("add_vhost", name) and rabbitmqctl("set_permissions", "-p", name, user, ".*", ".*", ".*")
    # It may have been made on another broker than the one of RABBITMQ_URL.
    yield own_url if is_made and _lets_in(own_url) else url
    if is_made:
        rabbitmqctl("delete_vhost", name)


@contextmanager
def alone_at(url: str) -> Iterator[None]:
    """Exclude other processes of this test run from a RabbitMQ whose virtual host they share.

    Receivers and workers share a fixed queue name, so tests can't choose their own: they take turns.
    """
    if urlsplit(url).path.startswith(f"/{_OWN_VHOST}"):
        yield
        return
    with turn_at(url):
        yield


@pytest.fixture
def rabbitmq_url(rabbitmq_vhost: str) -> Iterator[str]:
    """A RabbitMQ where the queue does not exist yet."""
    with alone_at(rabbitmq_vhost):
        connection = pika.BlockingConnection(pika.URLParameters(rabbitmq_vhost))
        for name in (QUEUE_NAME, parked_name(QUEUE_NAME)):
            connection.channel().queue_delete(name)
        connection.close()
        yield rabbitmq_vhost


@pytest.fixture(params=["postgres", pytest.param("rabbitmq", marks=pytest.mark.rabbitmq)])
def broker_url(request: pytest.FixtureRequest) -> str:
    """The URL of an empty queue."""
    name = "queue_database" if request.param == "postgres" else "rabbitmq_url"
    return str(request.getfixturevalue(name))


@pytest.fixture
def proxy(broker_url: str) -> Iterator[TcpProxy]:
    """A proxy in front of the queue."""
    with proxy_of(broker_url) as proxy:
        yield proxy


@pytest.fixture
def proxied_url(broker_url: str, proxy: TcpProxy) -> str:
    """The queue's URL through the proxy."""
    return through(proxy, broker_url)


def proxy_of(url: str, kind: type[TcpProxy] = TcpProxy) -> TcpProxy:
    """Return a proxy in front of the server of a URL; Postgres may listen on a Unix socket only."""
    if not is_postgres(url):
        parts = urlsplit(url)
        return kind((parts.hostname or "127.0.0.1", parts.port or 5672))
    server = conninfo_to_dict(url)
    host, port = str(server.get("host") or "127.0.0.1"), int(server.get("port") or 5432)
    return kind(f"{host}/.s.PGSQL.{port}" if host.startswith("/") else (host, port))


def through(proxy: TcpProxy, url: str) -> str:
    """Return a URL with the proxy in the server's place."""
    if not is_postgres(url):
        parts = urlsplit(url)
        return parts._replace(netloc=f"{parts.netloc.rpartition('@')[0]}@127.0.0.1:{proxy.port}").geturl()
    server = conninfo_to_dict(url)
    return f"postgresql://{server.get('user')}:{server.get('password') or ''}@127.0.0.1:{proxy.port}/{server['dbname']}"


def _lets_in(url: str) -> bool:
    try:
        pika.BlockingConnection(pika.URLParameters(url)).close()
    except (AMQPError, OSError):
        return False
    return True


def rabbitmqctl(*arguments: str) -> bool:
    """Return whether rabbitmqctl is installed and succeeded."""
    if shutil.which("rabbitmqctl") is None:
        return False
    return (
        subprocess.run(["rabbitmqctl", "-q", *arguments], capture_output=True, check=False, timeout=60).returncode == 0
    )
