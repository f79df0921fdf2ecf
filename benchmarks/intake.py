"""`intake`: verified, confirmed answers per second, without a worker.

In each round the floor, Rollcall and the plain design take turns, the latter two on each queue.
"""

from collections import defaultdict
from collections.abc import Iterator
from contextlib import ExitStack
from statistics import median

from benchmarks.cpu import spent
from benchmarks.effort import Effort, Line, ratio
from benchmarks.events import signed_events
from benchmarks.ground import Ground
from benchmarks.load import post_for
from benchmarks.system import FLOOR, PLAIN, System, rollcall, running

# Persistent connections at each number; one per delivery, like the vendor, at the highest.
_KEPT, _NEW = "keep-alive", "close"
_WARM_UP_SECONDS = 1


def measure(ground: Ground, effort: Effort) -> Iterator[Line]:
    """Measure it at each number of connections."""
    events = signed_events(effort.events)
    with ExitStack() as stack:

        def run(name: str, system: System) -> tuple[str, System]:
            post_for(_WARM_UP_SECONDS, system.port, events.requests_file(_KEPT), 32)
            return name, system

        key = events.public_key
        systems = dict([run("floor", stack.enter_context(running(ground, FLOOR, key)))])
        for queue in ground.queues:
            for name, design in (("rollcall", rollcall(effort.receivers)), ("plain", PLAIN)):
                system = stack.enter_context(running(ground, design, key, queue=queue, works=False))
                systems |= [run(f"{name} {queue}", system)]

        for connection, count in [*((_KEPT, count) for count in effort.connections), (_NEW, 32), (_NEW, 128)]:
            requests = events.requests_file(connection)
            measured: dict[str, list[tuple[float, float, float, float]]] = defaultdict(list)
            for _ in range(effort.rounds):
                for name, system in systems.items():
                    system.empty()
                    account = system.account()
                    before = account.read()
                    load = post_for(effort.seconds, system.port, requests, count)
                    cpu = sum(spent(before, account.read()).values()) / load.requests
                    measured[name].append((load.answers_per_second, load.p50_ms, load.p99_ms, cpu))
            yield from _lines(measured, connection, count)


def _lines(
    measured: dict[str, list[tuple[float, float, float, float]]], connection: str, connections: int
) -> Iterator[Line]:
    rates = {name: [one[0] for one in rounds] for name, rounds in measured.items()}
    for name, rounds in measured.items():
        design, _, queue = name.partition(" ")
        line: dict[str, object] = {
            "benchmark": "intake",
            "design": design,
            "queue": queue or None,
            "connection": connection,
            "connections": connections,
            "answers_per_second": round(median(rates[name])),
            "of_floor": ratio(rates[name], rates["floor"]),
            "times_plain": ratio(rates[name], rates[f"plain {queue}"]) if queue else None,
            "p50_ms": round(median(one[1] for one in rounds), 2),
            "p99_ms": round(median(one[2] for one in rounds), 2),
            "cpu_us_per_answer": round(median(one[3] for one in rounds) * 1e6),
        }
        yield line
