"""`console_readers`: what ten people who click through the console take from intake.

Receiver and console run on one database, that of `console`; the load on the receiver is the same each time. In turns,
it is alone, and beside ten people who ask for a page each, read for one to two seconds, and ask for the next. Of the
receiver its CPU per answer counts; the rate falls too, because the load takes all that the machine has.
"""

import random
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from statistics import median, quantiles

import psycopg

from benchmarks.console_asks import Questions
from benchmarks.console_pages import Visitor, running_console
from benchmarks.cpu import CpuAccount, spent
from benchmarks.effort import Effort, Line, ratio
from benchmarks.events import signed_events
from benchmarks.ground import Ground
from benchmarks.load import Load, post_for
from benchmarks.processes import free_port, processes
from benchmarks.system import wait_until_ready

_READERS = 10
_CONNECTIONS = 32
_LEAST_SECONDS = 4


def measure(ground: Ground, effort: Effort) -> Iterator[Line]:
    """Measure intake alone and beside ten readers."""
    url = ground.filled(effort.database_url, effort.console_sessions)
    events = signed_events(effort.events)
    requests = events.requests_file("keep-alive")
    seconds = max(_LEAST_SECONDS, effort.seconds)
    loads: dict[bool, list[Load]] = {True: [], False: []}
    costs: dict[bool, list[float]] = {True: [], False: []}
    pages: list[float] = []
    page_cpu: list[float] = []
    port = free_port()
    settings = {"DATABASE_URL": url, "PORT": str(port), "WEBHOOK_PUBLIC_KEYS": events.public_key}
    with (
        psycopg.connect(url, autocommit=True) as connection,
        running_console(url) as (console_port, console),
        processes(settings) as started,
    ):
        started.start("receiver", [sys.executable, "-m", "receiver"])
        wait_until_ready(started, port)
        account = CpuAccount({**started.pids, **console.pids})
        paths = Questions(connection, _READERS).clicks()
        visitors = [Visitor(console_port) for _ in range(_READERS)]
        for path in paths:
            visitors[0].get(path)
        for number in range(effort.rounds + 1):
            for is_read in (True, False) if number % 2 else (False, True):
                connection.execute("TRUNCATE rollcall_queue.queue")
                before = account.read()
                with _readers(visitors if is_read else [], paths) as took:
                    load = post_for(seconds, port, requests, _CONNECTIONS)
                cpu = spent(before, account.read())
                # The first round is not counted: each process loads code and opens connections.
                if number:
                    loads[is_read].append(load)
                    costs[is_read].append(cpu["receiver"] / load.requests)
                    pages += took
                    page_cpu += [cpu["console"] / len(took)] if took else []
        connection.execute("TRUNCATE rollcall_queue.queue")
    rates = {is_read: [one.answers_per_second for one in loads[is_read]] for is_read in loads}
    yield {
        "benchmark": "console_readers",
        "rounds": effort.rounds,
        "answers_per_second_alone": round(median(rates[False])),
        "answers_per_second_read": round(median(rates[True])),
        "ratio_of_rate": ratio(rates[True], rates[False]),
        "ratio_of_receiver_cpu": ratio(costs[True], costs[False]),
        "p99_ms_alone": round(median(one.p99_ms for one in loads[False]), 1),
        "p99_ms_read": round(median(one.p99_ms for one in loads[True]), 1),
        "pages": len(pages),
        "page_p95_ms": round(quantiles(pages, n=20)[18], 1),
        "console_cpu_ms_per_page": round(median(page_cpu) * 1000, 1),
    }


@contextmanager
def _readers(visitors: Sequence[Visitor], paths: Sequence[str]) -> Iterator[list[float]]:
    """Let people click through pages meanwhile; yields the milliseconds that each page took."""
    took: list[float] = []
    over = threading.Event()

    def read(visitor: Visitor, seed: int) -> None:
        chance = random.Random(seed)
        over.wait(chance.uniform(0, 1.5))
        while not over.is_set():
            took.append(visitor.get(chance.choice(paths))[0])
            over.wait(chance.uniform(1, 2))

    readers = [
        threading.Thread(target=read, args=(visitor, time.time_ns() + place)) for place, visitor in enumerate(visitors)
    ]
    for reader in readers:
        reader.start()
    try:
        yield took
    finally:
        over.set()
        for reader in readers:
            reader.join()
