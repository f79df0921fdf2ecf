"""`growth`: the cost of an event for worker and Postgres, with an empty ledger and with years of data.

The ledgers alternate and take the same number of deliveries, in queue messages of equal size, with new sessions in each
round. Autovacuum, which they share, is off meanwhile, so its cost is not included. The full ledgers are created once by
`benchmarks.populate` and kept in the cache: ten million rows take a while.
"""

import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from statistics import median
from time import time_ns

import psycopg

from benchmarks.backlog import WorkedOff, work_off
from benchmarks.cpu import CpuAccount
from benchmarks.effort import Effort, Line, ratio
from benchmarks.events import unsigned_deliveries
from benchmarks.ground import Ground
from benchmarks.processes import processes

# Rows that `benchmarks.populate` creates per session.
_DELIVERIES_A_SESSION = 30.7


def measure(ground: Ground, effort: Effort) -> Iterator[Line]:
    """Measure each size of ledger against an empty one."""
    for rows in effort.rows:
        full_url = ground.ledger(round(rows / _DELIVERIES_A_SESSION))
        with psycopg.connect(full_url) as connection:
            found = connection.execute("SELECT count(*) FROM rollcall.deliveries").fetchone()
        empty: list[WorkedOff] = []
        full: list[WorkedOff] = []
        with (
            ground.database("growth_empty") as empty_url,
            worker_on(ground, empty_url) as empty_account,
            worker_on(ground, full_url) as full_account,
        ):
            # One uncounted round first: it loads code, opens connections and plans statements.
            for _ in range(effort.rounds + 1):
                deliveries = unsigned_deliveries(effort.events, seed=time_ns())
                # It would vacuum one ledger during the other's turn.
                ground.autovacuum("off")
                try:
                    empty.append(work_off(empty_url, empty_account, deliveries))
                    full.append(work_off(full_url, full_account, deliveries))
                finally:
                    ground.autovacuum("on")
        yield _line(0, empty[1:], empty[1:], effort.events)
        yield _line(found[0] if found else 0, full[1:], empty[1:], effort.events)


@contextmanager
def worker_on(ground: Ground, database_url: str) -> Iterator[CpuAccount]:
    """Run a worker on a database; yields the CPU account of it and Postgres."""
    with processes({"DATABASE_URL": database_url}) as started:
        started.start("worker", [sys.executable, "-m", "workers"])
        yield CpuAccount({**started.pids, "postgres": ground.postgres.pid})


def _line(rows: int, ledger: Sequence[WorkedOff], empty: Sequence[WorkedOff], events: int) -> Line:
    costs, base = ([sum(one.cpu.values()) for one in rounds] for rounds in (ledger, empty))
    return {
        "benchmark": "growth",
        "rows_before": rows,
        "events_per_second": round(median(events / one.seconds for one in ledger)),
        "worker_cpu_us": round(median(one.cpu["worker"] for one in ledger) * 1e6),
        "postgres_cpu_us": round(median(one.cpu["postgres"] for one in ledger) * 1e6),
        "cpu_us_per_event": round(median(costs) * 1e6),
        "times_empty": ratio(costs, base),
    }
