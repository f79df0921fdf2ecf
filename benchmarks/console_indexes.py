"""`console_indexes`: what the indexes that are there for the console alone cost worker and Postgres, per event.

Two databases, with them and without, take the same deliveries in turns, first one and then the other; both are empty at
first. Autovacuum, which they share, is off meanwhile.
"""

from collections.abc import Iterator
from statistics import median
from time import time_ns

import psycopg

from benchmarks.backlog import WorkedOff, work_off
from benchmarks.effort import Effort, Line, ratio
from benchmarks.events import unsigned_deliveries
from benchmarks.ground import Ground
from benchmarks.growth import worker_on

_INDEXES = (
    "participants_by_name",
    "participants_by_join",
    "sessions_by_prefix",
    "deliveries_set_aside_of_session",
    "deliveries_with_error",
    "deliveries_of_rare_events",
)


def measure(ground: Ground, effort: Effort) -> Iterator[Line]:
    """Measure settling with the indexes and without."""
    rounds: dict[bool, list[WorkedOff]] = {True: [], False: []}
    with (
        ground.database("console_indexes_with") as with_url,
        ground.database("console_indexes_without") as without_url,
    ):
        with psycopg.connect(without_url, autocommit=True) as connection:
            for name in _INDEXES:
                connection.execute(f"DROP INDEX rollcall.{name}".encode())
        with worker_on(ground, with_url) as with_account, worker_on(ground, without_url) as without_account:
            sides = {True: (with_url, with_account), False: (without_url, without_account)}
            # One uncounted round first: it loads code, opens connections and plans statements.
            for number in range(effort.rounds + 1):
                deliveries = unsigned_deliveries(effort.events, seed=time_ns())
                ground.autovacuum("off")
                try:
                    for side in (True, False) if number % 2 else (False, True):
                        rounds[side].append(work_off(*sides[side], deliveries))
                finally:
                    ground.autovacuum("on")
    costs, base = ([sum(one.cpu.values()) for one in rounds[side][1:]] for side in (True, False))
    postgres, postgres_base = ([one.cpu["postgres"] for one in rounds[side][1:]] for side in (True, False))
    yield {
        "benchmark": "console_indexes",
        "rounds": effort.rounds,
        "us_per_event_with": round(median(costs) * 1e6, 1),
        "us_per_event_without": round(median(base) * 1e6, 1),
        "ratio": ratio(costs, base),
        "ratio_postgres": ratio(postgres, postgres_base),
    }
