"""What a mark costs where little happens: one delivery at a time, and with no endpoint at all.

Single deliveries cost milliseconds and vary by as much, a mark is a hundredth of that. So blocks of them alternate in
one database and one worker, and CPU is read to the nanosecond.
"""

import json
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from math import sqrt
from statistics import mean, stdev
from time import time_ns
from unittest.mock import patch

import psycopg

from benchmarks.cpu import running_seconds
from benchmarks.effort import Line
from benchmarks.events import unsigned_deliveries
from benchmarks.ground import Ground
from benchmarks.processes import processes
from runtime.connections import connect
from workers.queue.brokers import open_broker
from workers.queue.delivery import Delivery
from workers.queue.message import group_message
from workers.reading.scope import Scope
from workers.settling.settle import settle

ENDPOINT = """
INSERT INTO rollcall.endpoints (id, name, url, created_at)
VALUES ('e-1', 'benchmark', 'https://example.com/', '2000-01-01')
"""
_BLOCKS, _BLOCK, _GROUP = 160, 20, 64
_LOOK = 0.003
# Longer than the worker gathers notifications for.
_LAST_WORDS = 0.1


def measure(ground: Ground) -> Iterator[Line]:
    """Measure one delivery at a time with and without an endpoint, and settling without one beside no mark at all."""
    ground.autovacuum("off")
    with ground.database("marks_alone") as url:
        yield _one_at_a_time(ground, url)
    with ground.database("marks_unneeded") as url:
        yield _without_endpoint(ground, url)
    ground.autovacuum("on")


def _one_at_a_time(ground: Ground, url: str) -> Line:
    with processes({"DATABASE_URL": url}) as started, psycopg.connect(url, autocommit=True) as connection:
        started.start("worker", [sys.executable, "-m", "workers"])
        publisher = open_broker(url)
        ours = connection.info.backend_pid

        def block(deliveries: Sequence[Delivery]) -> None:
            for one in deliveries:
                publisher.enqueue(group_message([one]))
                while connection.execute("SELECT FROM rollcall.deliveries WHERE id = %s", [one.id]).rowcount == 0:
                    time.sleep(_LOOK)
            time.sleep(_LAST_WORDS)

        def cpu() -> float:
            worker, postgres = started.pids["worker"], ground.postgres.pid
            return running_seconds(worker) + running_seconds(postgres, but={ours})

        def prepare(*, is_with: bool) -> None:
            connection.execute("DELETE FROM rollcall.endpoints")
            if is_with:
                connection.execute(ENDPOINT)

        line = _alternate("one at a time", block, cpu, prepare, _BLOCK)
        publisher.close()
        return line


def _without_endpoint(ground: Ground, url: str) -> Line:
    del ground
    with connect(url, name="benchmark") as connection:
        marking = patch("workers.settling.settle.mark", return_value=False)

        def block(deliveries: Sequence[Delivery]) -> None:
            with connection.transaction():
                settle(connection, deliveries, Scope())

        def prepare(*, is_with: bool) -> None:
            patch.stopall()
            if not is_with:
                marking.start()

        def cpu() -> float:
            return time.process_time() + running_seconds(connection.info.backend_pid)

        return _alternate(f"groups of {_GROUP} without an endpoint, beside no mark", block, cpu, prepare, _GROUP)


def _alternate(
    load: str,
    block: Callable[[Sequence[Delivery]], None],
    cpu: Callable[[], float],
    prepare: Callable[..., None],
    size: int,
) -> Line:
    """Work off blocks with and without in turns, the first of each two alternating; return what one adds."""
    deliveries = unsigned_deliveries((2 * _BLOCKS + 2) * size, seed=time_ns())
    # Both blocks of a pair are of the same events: these differ in what they cost by more than a mark.
    deliveries.sort(key=lambda one: str(json.loads(one.body)["event"]))
    costs: dict[bool, list[float]] = {True: [], False: []}
    for number in range(_BLOCKS + 1):
        pair = deliveries[number * 2 * size : (number + 1) * 2 * size]
        for is_with in (True, False) if number % 2 else (False, True):
            prepare(is_with=is_with)
            some = pair[int(is_with) :: 2]
            before = cpu()
            block(some)
            costs[is_with].append((cpu() - before) / size * 1e6)
    added = [one - other for one, other in zip(costs[True][1:], costs[False][1:], strict=True)]
    return {
        "benchmark": "marks",
        "load": load,
        "without_us": round(mean(costs[False][1:]), 1),
        "with_us": round(mean(costs[True][1:]), 1),
        "added_us_each": round(mean(added), 2),
        "give_or_take_us": round(stdev(added) / sqrt(len(added)), 2),
    }
