"""A backlog: groups of deliveries, all of one size, put into the queue for a worker to work off.

It leaves the receiver and the load out: what is compared sees the very same queue messages.
"""

import time
from collections.abc import Sequence
from dataclasses import dataclass

import psycopg

from benchmarks.cpu import CpuAccount, spent
from benchmarks.journey import wait_for_ledger
from workers.queue.brokers import open_broker
from workers.queue.delivery import Delivery
from workers.queue.message import group_message

# About what leaves a receiver together at a hundred connections.
GROUP = 64
_LAST_WORDS = 0.3


@dataclass(frozen=True, slots=True)
class WorkedOff:
    """What working off a backlog came to.

    Attributes:
        seconds: from the first message in the queue to the last row.
        cpu: CPU seconds by part for a delivery.
    """

    seconds: float
    cpu: dict[str, float]


def work_off(database_url: str, account: CpuAccount, deliveries: Sequence[Delivery]) -> WorkedOff:
    """Put deliveries into the queue of a database and wait until a worker that runs has written them all.

    Args:
        database_url: ledger and queue.
        account: of the worker and of Postgres.
        deliveries: new ones.
    """
    publisher = open_broker(database_url)
    with psycopg.connect(database_url, autocommit=True) as connection:
        before = account.read()
        began = time.monotonic()
        for at in range(0, len(deliveries), GROUP):
            publisher.enqueue(group_message(deliveries[at : at + GROUP]))
        wait_for_ledger(connection, len(deliveries), deliveries[0].id)
        seconds = time.monotonic() - began
        time.sleep(_LAST_WORDS)
        cpu = spent(before, account.read())
    publisher.close()
    return WorkedOff(seconds, {part: one / len(deliveries) for part, one in cpu.items()})
