"""Doing what workers do with deliveries: batches of them, one transaction each, by one or by several at once."""

import queue
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

import psycopg

from tests.meaning.tables import Connection
from workers.queue.delivery import Delivery
from workers.scope import Scope
from workers.settle import settle


def work_off(connections: Sequence[Connection], batches: Sequence[Sequence[Delivery]], scope: Scope) -> None:
    """Settle the batches, in this order with one connection, as it comes with several.

    What any of the workers raises is raised here; none is tried again, so that a deadlock is seen.
    """
    if len(connections) == 1:
        for batch in batches:
            _settle(connections[0], batch, scope)
        return
    waiting: queue.SimpleQueue[Sequence[Delivery]] = queue.SimpleQueue()
    for batch in batches:
        waiting.put(batch)
    with ThreadPoolExecutor(len(connections)) as workers:
        for done in [workers.submit(_work, connection, waiting, scope) for connection in connections]:
            done.result()


def _work(connection: Connection, waiting: "queue.SimpleQueue[Sequence[Delivery]]", scope: Scope) -> None:
    while True:
        try:
            batch = waiting.get_nowait()
        except queue.Empty:
            return
        _settle(connection, batch, scope)


def _settle(connection: Connection, batch: Sequence[Delivery], scope: Scope) -> None:
    with connection.transaction():
        settle(connection, batch, scope)


def connect(url: str) -> Connection:
    """Return a connection as a worker has it."""
    return psycopg.connect(url, autocommit=True)
