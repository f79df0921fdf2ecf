"""`end_to_end`: events a second from the first POST to the last row committed, and the CPU that it takes.

In each round the floor is measured at the same number of connections, then every design makes the journey once.
"""

from collections import defaultdict
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from statistics import median

from benchmarks.cpu import spent
from benchmarks.effort import Effort, Line, ratio
from benchmarks.events import signed_events
from benchmarks.ground import Ground
from benchmarks.journey import Journey, travel
from benchmarks.load import post_for
from benchmarks.system import FLOOR, PLAIN, rollcall, running

CONNECTIONS = 128
_CONNECTION = "keep-alive"


@dataclass
class Rounds:
    """What the rounds came to, in their order.

    Attributes:
        floor: answers a second of the floor.
        floor_cpu: CPU seconds of the floor for an answer.
        journeys: of each design and queue.
    """

    floor: list[float] = field(default_factory=list)
    floor_cpu: list[float] = field(default_factory=list)
    journeys: dict[tuple[str, str], list[Journey]] = field(default_factory=lambda: defaultdict(list))


def measure(ground: Ground, effort: Effort) -> Iterator[Line]:
    """Measure Rollcall and the plain design on each queue."""
    rounds = run_rounds(ground, effort, plain=True)
    yield {
        "benchmark": "end_to_end",
        "design": "floor",
        "connections": CONNECTIONS,
        "events_per_second": round(median(rounds.floor)),
        "cpu_us_per_event": round(median(rounds.floor_cpu) * 1e6),
    }
    for (design, queue), journeys in rounds.journeys.items():
        rates = [journey.events_per_second for journey in journeys]
        costs = [journey.cpu_per_event for journey in journeys]
        plain_rates = [journey.events_per_second for journey in rounds.journeys["plain", queue]]
        yield {
            "benchmark": "end_to_end",
            "design": design,
            "queue": queue,
            "connections": CONNECTIONS,
            "events_per_second": round(median(rates)),
            "of_floor": ratio(rates, rounds.floor),
            "times_plain": ratio(rates, plain_rates),
            "cpu_us_per_event": round(median(costs) * 1e6),
            "times_floor_cpu": ratio(costs, rounds.floor_cpu),
        }


def run_rounds(ground: Ground, effort: Effort, *, plain: bool) -> Rounds:
    """Run the rounds, with the plain design in them or without."""
    events, few = signed_events(effort.events), signed_events(effort.plain_events)
    sets = {"rollcall": events, "plain": few}
    designs = {"rollcall": rollcall(effort.receivers, effort.workers), **({"plain": PLAIN} if plain else {})}
    rounds = Rounds()
    with ExitStack() as stack:
        floor = stack.enter_context(running(ground, FLOOR, events.public_key))
        systems = {
            (name, queue): stack.enter_context(running(ground, design, events.public_key, queue=queue))
            for name, design in designs.items()
            for queue in ground.queues
        }
        # The first time each process reads code and opens connections.
        post_for(1, floor.port, events.requests_file(_CONNECTION), CONNECTIONS)
        for system in systems.values():
            travel(system, few.requests_file(_CONNECTION), len(few.events), CONNECTIONS)
        for _ in range(effort.rounds):
            account = floor.account()
            before = account.read()
            load = post_for(effort.seconds, floor.port, events.requests_file(_CONNECTION), CONNECTIONS)
            rounds.floor.append(load.answers_per_second)
            rounds.floor_cpu.append(sum(spent(before, account.read()).values()) / load.requests)
            for (name, queue), system in systems.items():
                system.empty()
                requests = sets[name].requests_file(_CONNECTION)
                journey = travel(system, requests, len(sets[name].events), CONNECTIONS)
                rounds.journeys[name, queue].append(journey)
    return rounds
