"""Processes deliveries like workers: batches, one transaction each, on one or several connections."""

import queue
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

import psycopg
from psycopg import errors

from tests.meaning.tables import Connection
from workers.queue.delivery import Delivery
from workers.reading.scope import Scope
from workers.settling.settle import settle

TRIES = 10


def work_off(connections: Sequence[Connection], batches: Sequence[Sequence[Delivery]], scope: Scope) -> None:
    """Settle the batches: in this order with one connection, in any order with several.

    A transaction that another was in the way of is tried again, as a worker does; all else that it raises is raised.
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
    for tries_left in reversed(range(TRIES)):
        try:
            with connection.transaction():
                settle(connection, batch, scope)
        except (errors.DeadlockDetected, errors.SerializationFailure):
            if not tries_left:
                raise
        else:
            return


def connect(url: str) -> Connection:
    """Return a connection like a worker's."""
    return psycopg.connect(url, autocommit=True)
