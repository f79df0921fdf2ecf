"""`replay`: events per second from the ledger into the tables, as in `rollcall replay --all`."""

import os
import time
from collections.abc import Iterator
from statistics import median

from benchmarks.backlog import GROUP
from benchmarks.cpu import CpuAccount, spent
from benchmarks.effort import Effort, Line
from benchmarks.events import unsigned_deliveries
from benchmarks.ground import Ground
from runtime.connections import connect
from workers.reading.scope import Scope
from workers.settling.replay_chosen import Selection, replay
from workers.settling.settle import settle


def measure(ground: Ground, effort: Effort) -> Iterator[Line]:
    """Measure it in this process; every round replays the same ledger."""
    deliveries = unsigned_deliveries(effort.events, seed=effort.events)
    rates: list[float] = []
    costs: list[dict[str, float]] = []
    with ground.database("replay") as database_url:
        with connect(database_url, name="benchmark") as connection:
            for at in range(0, len(deliveries), GROUP):
                with connection.transaction():
                    settle(connection, deliveries[at : at + GROUP], Scope())
            connection.execute("ANALYZE")
        account = CpuAccount({"postgres": ground.postgres.pid})
        for _ in range(effort.rounds):
            before, own_before = account.read(), _own_cpu()
            began = time.monotonic()
            replayed = replay(database_url, Selection(everything=True), Scope()).total()
            rates.append(replayed / (time.monotonic() - began))
            own = {"replay": _own_cpu() - own_before}
            costs.append({part: one / replayed for part, one in {**own, **spent(before, account.read())}.items()})
    yield {
        "benchmark": "replay",
        "deliveries": replayed,
        "events_per_second": round(median(rates)),
        **{f"{part}_cpu_us": round(median(cost[part] for cost in costs) * 1e6) for part in costs[0]},
    }


def _own_cpu() -> float:
    times = os.times()
    return times.user + times.system
