"""`asking`: how near a backfill comes to its pace, and what settling answers costs beside deliveries that say the same.

The vendor is a process of its own on loopback. Answers and deliveries of the same sessions are settled in turns, a
session a transaction, and once more as workers do under load: deliveries by 500, answers by the message.
"""

import json
import random
import resource
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from datetime import timedelta
from typing import Any

import psutil
import psycopg

from benchmarks.effort import Effort, Line, ratio
from benchmarks.ground import Ground
from benchmarks.vendor import WORLD_SEED
from clock.asking import Asker
from clock.backfill import Backfill
from clock.publishing import ENOUGH, Publishing
from runtime.connections import connect
from tests.vendor_api.observing import all_answers
from tests.vendor_api.world import NINE, World, deliveries_of, made_up
from vendor_api.client import VendorClient
from vendor_api.history import History
from vendor_api.pace import Pace
from vendor_api.settings import VendorSettings
from workers.queue.delivery import Delivery
from workers.queue.observation import Answers
from workers.reading.scope import Scope
from workers.settling.observe import observe
from workers.settling.settle import settle

_PACE = 200.0
_SESSIONS_OF_COST = 400
_DELIVERIES = 500
_LATER = NINE + timedelta(hours=12)
_TABLES = (
    "sessions, participants, participant_events, timeline, recordings, meetings, organizations, deliveries, "
    "observations, lookups"
)

Batches = Sequence[Sequence[Delivery] | Answers]


def measure(ground: Ground, effort: Effort) -> Iterator[Line]:
    """Measure the rate of one backfill of half as many sessions as events, and the cost of settling in rounds."""
    with ground.database("asking") as url:
        yield _backfill(url, effort.events // 2)
    with ground.database("observing") as url:
        yield from _cost(url, effort.rounds)


def _backfill(url: str, sessions: int) -> Line:
    vendor = subprocess.Popen(
        [sys.executable, "-m", "benchmarks.vendor", str(sessions)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert vendor.stdin is not None
    assert vendor.stdout is not None
    try:
        environment = json.loads(vendor.stdout.readline()) | {"VENDOR_CALLS_PER_SECOND": str(_PACE)}
        settings, stopping = VendorSettings.from_environment(environment), threading.Event()
        with (
            connect(url, name="benchmark") as connection,
            Pace(url, settings.calls_per_second, stopping) as pace,
            VendorClient(pace, settings.way_out, stopping) as client,
            Publishing(url, stopping) as publishing,
        ):
            history = History(client)
            work = Backfill(connection, history, Asker(history, publishing.publish, publishing.flush))
            before, began = _peak_mib(), time.monotonic()
            work.all(settings.credentials[0], NINE - timedelta(days=1), None)
            took = time.monotonic() - began
        vendor.stdin.write("\n")
        vendor.stdin.flush()
        calls = int(vendor.stdout.readline())
    finally:
        vendor.kill()
        vendor.wait()
    return {
        "benchmark": "asking",
        "sessions": sessions,
        "calls": calls,
        "seconds": round(took, 1),
        "of_the_pace": round(calls / took / _PACE, 3),
        "peak_memory_grew_mib": round(_peak_mib() - before, 1),
    }


def _cost(url: str, rounds: int) -> Iterator[Line]:
    world = made_up(random.Random(WORLD_SEED), _SESSIONS_OF_COST)
    kinds: dict[str, Batches] = {
        "deliveries, a session each": [deliveries_of(one) for one in world.sessions],
        "answers, a session each": all_answers(world, _LATER),
        "deliveries, 500 each": _by_number(world),
        "answers, a message each": _as_queued(all_answers(world, _LATER)),
    }
    costs: dict[str, list[float]] = {kind: [] for kind in kinds}
    for number in range(rounds + 1):
        for kind, batches in kinds.items():
            cost = _settled(url, batches)
            if number:  # the first round warms up
                costs[kind].append(cost / len(world.sessions) * 1e6)
    for answers, deliveries in (
        ("answers, a session each", "deliveries, a session each"),
        ("answers, a message each", "deliveries, 500 each"),
    ):
        yield {
            "benchmark": "observing",
            "how": answers,
            "cpu_us_a_session": round(sum(costs[answers]) / rounds),
            "of_deliveries": ratio(costs[answers], costs[deliveries]),
        }


def _settled(url: str, batches: Batches) -> float:
    """Settle batches into emptied tables; return the CPU seconds of this process and of its server process."""
    with connect(url, name="benchmark") as connection:
        names = ", ".join(f"rollcall.{name}" for name in _TABLES.split(", "))
        connection.execute(f"TRUNCATE {names}".encode())
        server = psutil.Process(connection.info.backend_pid)
        before = _cpu(server)
        for batch in batches:
            with connection.transaction():
                _settle(connection, batch)
        return _cpu(server) - before


def _settle(connection: psycopg.Connection[Any], batch: Sequence[Delivery] | Answers) -> None:
    if isinstance(batch, Answers):
        observe(connection, batch, Scope())
    else:
        settle(connection, batch, Scope())


def _by_number(world: World) -> Batches:
    deliveries = world.deliveries()
    return [deliveries[at : at + _DELIVERIES] for at in range(0, len(deliveries), _DELIVERIES)]


def _as_queued(answers: Sequence[Answers]) -> Batches:
    """Return answers in messages as `clock` queues them while it asks at that pace."""
    batches: list[list[Answers]] = [[]]
    for one in answers:
        if sum(len(some.observations) for some in batches[-1]) >= ENOUGH:
            batches.append([])
        batches[-1].append(one)
    return [Answers.of(batch) for batch in batches]


def _cpu(server: psutil.Process) -> float:
    times = server.cpu_times()
    return time.process_time() + float(times.user) + float(times.system)


def _peak_mib() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
