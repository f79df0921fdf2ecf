"""`marks`: what it costs to note what is to be told, and to find out what that is.

The same deliveries go into two databases in turns, one with an endpoint and one without, at full load; what they cost
one at a time, `benchmarks.marks_alone` tells. Afterwards the joins of one large session are announced, and as many of
sessions of five.
"""

import json
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from statistics import median
from time import time_ns

import psycopg

from automations.announcing.round import tell_changes
from benchmarks import marks_alone
from benchmarks.backlog import WorkedOff, work_off
from benchmarks.cpu import CpuAccount
from benchmarks.effort import Effort, Line
from benchmarks.events import unsigned_deliveries
from benchmarks.ground import Ground
from benchmarks.marks_alone import ENDPOINT
from benchmarks.processes import processes
from workers.queue.delivery import Delivery, Provider, new_delivery_id
from workers.reading.scope import Scope
from workers.settling.settle import settle

_JOINS = 5_000
_BATCH = 64
_WITHIN, _AT_ONCE = timedelta(days=100_000), timedelta(0)


def measure(ground: Ground, effort: Effort) -> Iterator[Line]:
    """Measure what marks add, and what one large session costs beside small ones."""
    with ExitStack() as stack:
        ways = {}
        for name in ("without", "with"):
            url = stack.enter_context(ground.database(f"marks_{name}"))
            started = stack.enter_context(processes({"DATABASE_URL": url}))
            started.start("worker", [sys.executable, "-m", "workers"])
            ways[name] = url, CpuAccount({**started.pids, "postgres": ground.postgres.pid})
        with psycopg.connect(ways["with"][0]) as connection:
            connection.execute(ENDPOINT)
        done: dict[str, list[WorkedOff]] = {name: [] for name in ways}
        for _ in range(effort.rounds + 1):
            deliveries = unsigned_deliveries(effort.events, seed=time_ns())
            ground.autovacuum("off")
            for name, (url, account) in ways.items():
                done[name].append(work_off(url, account, deliveries))
            ground.autovacuum("on")
            with psycopg.connect(ways["with"][0]) as connection:
                connection.execute("TRUNCATE rollcall.marks")
        yield _line(done)
    yield from marks_alone.measure(ground)
    yield _sizes(ground)


def _line(done: dict[str, list[WorkedOff]]) -> Line:
    costs = {name: [sum(one.cpu.values()) * 1e6 for one in rounds[1:]] for name, rounds in done.items()}
    added = [with_ - without for with_, without in zip(costs["with"], costs["without"], strict=True)]
    return {
        "benchmark": "marks",
        "load": "full",
        "without_us": round(median(costs["without"]), 1),
        "with_us": round(median(costs["with"]), 1),
        "added_us_each": round(median(added), 1),
    }


def _sizes(ground: Ground) -> Line:
    """Settle and announce the same number of joins in one session and in sessions of five."""
    costs = {}
    for name, size in (("five", 5), ("one", _JOINS)):
        with ground.database(f"marks_{name}") as url, psycopg.connect(url, autocommit=True) as connection:
            connection.execute(ENDPOINT)
            account = CpuAccount({"postgres": ground.postgres.pid})
            before, began = account.read()["postgres"], time.process_time()
            for at in range(0, _JOINS, _BATCH):
                with connection.transaction():
                    settle(connection, [_join(number, size) for number in range(at, min(at + _BATCH, _JOINS))], Scope())
                tell_changes(connection, _WITHIN, _AT_ONCE)
            while _marks(connection):
                time.sleep(0.1)
                while tell_changes(connection, _WITHIN, _AT_ONCE).is_more:
                    pass
            costs[name] = time.process_time() - began + account.read()["postgres"] - before
    return {
        "benchmark": "marks",
        "load": f"{_JOINS} joins, settled and announced",
        "sessions_of_five_us": round(costs["five"] / _JOINS * 1e6, 1),
        "one_session_us": round(costs["one"] / _JOINS * 1e6, 1),
        "one_session_times_five": round(costs["one"] / costs["five"], 3),
    }


def _marks(connection: psycopg.Connection[tuple[int]]) -> int:
    row = connection.execute("SELECT count(*) FROM rollcall.marks").fetchone()
    return row[0] if row else 0


def _join(number: int, size: int) -> Delivery:
    at = datetime.now(UTC)
    body = {
        "event": "meeting.participantJoined",
        "meeting": {"id": "m-1", "sessionId": f"s-{number // size}", "organizedBy": {"id": "org-1"}},
        "participant": {"peerId": f"p-{number}", "userDisplayName": f"Name {number}", "joinedAt": at.isoformat()},
    }
    return Delivery(new_delivery_id(at), at, Provider.DYTE, f"uuid-{number}", "webhook-1", json.dumps(body).encode())
