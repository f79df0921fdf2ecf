"""The queue: whether it accepts messages, and whether a worker consumes them."""

import ssl
from collections.abc import Iterator, Mapping
from datetime import timedelta
from typing import LiteralString

import pika
import psycopg
from pika.adapters.utils.connection_workflow import AMQPConnectorException
from pika.exceptions import AMQPError, ChannelClosedByBroker
from psycopg import errors

from console.checks.database import place_of
from console.checks.finding import Finding, Health, bad, doubtful, good
from runtime.addresses import is_postgres
from runtime.connections import connect
from runtime.environment import SettingError
from runtime.passwords import reason
from runtime.poolers import lends_for_a_transaction
from workers.queue.broker_address import broker_url
from workers.queue.brokers import open_broker
from workers.queue.message import QUEUE_NAME
from workers.queue.postgres_listener import NotThroughPoolerError
from workers.queue.publisher import QueueAwayError
from workers.queue.rabbitmq import RabbitmqQueue
from workers.queue.rabbitmq_connection import declare

# Seconds; libpq counts from 2.
_CONNECT_TIMEOUT = 2
# A worker sends a heartbeat every few seconds; a message only waits this long if no worker runs or none can commit.
_WORKER_SILENT_AFTER = timedelta(seconds=30)
_NOT_FOUND = 404

_WAITING: LiteralString = """
    SELECT (SELECT count(*) FROM rollcall_queue.queue),
        (SELECT count(*) FROM rollcall_queue.worker WHERE heartbeat_at > now() - %s)"""


def check_broker(environment: Mapping[str, str]) -> Iterator[Finding]:
    """Check the queue that BROKER_URL names, by default the one in the database."""
    try:
        url = broker_url(environment)
    except SettingError as error:
        yield bad("broker", str(error))
        return
    try:
        found = _check_postgres(url) if is_postgres(url) else _check_rabbitmq(url)
        yield found
        if found.health is not Health.BAD:
            yield from _check_parked(url)
    except psycopg.ProgrammingError:
        # Not its text: it quotes parts of the URL.
        yield bad("broker", "its URL has options that Postgres does not support. Correct BROKER_URL or DATABASE_URL.")
    except psycopg.Error as error:
        says = f"Postgres does not answer: {reason(error, url)} Until it does, deliveries wait in the spool."
        yield bad("broker", says)


def _check_postgres(url: str) -> Finding:
    with connect(url, name="rollcall doctor", connect_timeout=_CONNECT_TIMEOUT) as connection:
        place = f"the queue in Postgres at {place_of(connection)}"
        if connection.is_shared and lends_for_a_transaction(url, name="rollcall doctor"):
            return bad("broker", str(NotThroughPoolerError()))
        try:
            row = connection.execute(_WAITING, (_WORKER_SILENT_AFTER,)).fetchone()
        except (errors.UndefinedTable, errors.InvalidSchemaName):
            return bad("broker", f"{place} has no tables yet: run `rollcall migrate`.")
        except errors.InsufficientPrivilege:
            return bad("broker", f"{place}: the user in its URL can't use the schema rollcall_queue. Grant it USAGE.")
    waiting, workers = row or (0, 0)
    return _found(place, waiting, workers)


def _check_rabbitmq(url: str) -> Finding:
    broker = RabbitmqQueue(url)
    nodes = ", ".join(f"{node.host}:{node.port}" for node in broker.parameters)
    place = f"RabbitMQ at {nodes}, vhost {broker.parameters[0].virtual_host}"
    try:
        connection = pika.BlockingConnection(broker.parameters)
    except (AMQPError, AMQPConnectorException, OSError) as error:
        return bad(
            "broker",
            f"{place} refuses the connection ({_kind(error)}): {_question(error)}? "
            "Until it works, deliveries wait in the spool.",
        )
    try:
        # Passive: doctor must not create a queue.
        queue = connection.channel().queue_declare(QUEUE_NAME, passive=True).method
        declare(connection.channel(), QUEUE_NAME)
    except ChannelClosedByBroker as error:
        if error.reply_code == _NOT_FOUND:
            return good("broker", f"{place}; the first receiver or worker creates the queue '{QUEUE_NAME}'")
        return bad(
            "broker", f"{place} refuses the queue '{QUEUE_NAME}': {error.reply_text}. Grant its user that permission."
        )
    except QueueAwayError as error:
        return bad("broker", str(error))
    except (AMQPError, OSError) as error:
        return bad("broker", f"{place} connects but then does not answer ({_kind(error)}). Check its log.")
    finally:
        if connection.is_open:
            connection.close()
    return _found(f"{place}, quorum queue '{QUEUE_NAME}'", queue.message_count, queue.consumer_count)


def _check_parked(url: str) -> Iterator[Finding]:
    parked = open_broker(url).parked(QUEUE_NAME)
    try:
        count = parked.count()
    except QueueAwayError as error:
        yield doubtful("broker", str(error))
    else:
        if count:
            yield doubtful(
                "broker",
                f"{count} {'message is' if count == 1 else 'messages are'} parked that no worker could read: "
                "upgrade the workers, or see `rollcall queue parked`.",
            )
    finally:
        parked.close()


def _found(place: str, waiting: int, workers: int) -> Finding:
    messages = f"{waiting} {'message' if waiting == 1 else 'messages'} in it"
    if not workers:
        return doubtful("broker", f"{place}, {messages}, but no worker is consuming. Start one: `python -m workers`.")
    return good("broker", f"{place}, {messages}")


def _question(error: BaseException) -> str:
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"{error.verify_message}; is its authority set with cacertfile in BROKER_URL, or with SSL_CERT_FILE"
    if isinstance(error, ssl.SSLError):
        return "is this a TLS port, and does it require a client certificate (certfile and keyfile in BROKER_URL)"
    return "is it running, and are user, password and vhost correct"


def _kind(error: BaseException) -> str:
    return type(error).__name__
