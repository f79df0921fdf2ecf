"""A backlog: groups of deliveries of equal size, put into the queue for a worker to process.

It excludes receiver and load: everything compared processes exactly the same queue messages.
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

# About the size of a receiver's groups at a hundred connections.
GROUP = 64
_LAST_WORDS = 0.3


@dataclass(frozen=True, slots=True)
class WorkedOff:
    """The result of processing a backlog.

    Attributes:
        seconds: from the first message in the queue to the last row.
        cpu: CPU seconds per delivery, by part.
    """

    seconds: float
    cpu: dict[str, float]


def work_off(database_url: str, account: CpuAccount, deliveries: Sequence[Delivery]) -> WorkedOff:
    """Put deliveries into the queue of a database and wait until a running worker has written them all.

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
