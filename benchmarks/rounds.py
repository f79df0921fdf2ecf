"""Rounds of journeys: each measures the floor, then one journey per design and queue."""

from collections import defaultdict
from contextlib import ExitStack
from dataclasses import dataclass, field

from benchmarks.cpu import spent
from benchmarks.effort import Effort
from benchmarks.events import signed_events
from benchmarks.ground import Ground
from benchmarks.journey import Journey, travel
from benchmarks.load import post_for
from benchmarks.system import FLOOR, PLAIN, rollcall, running

CONNECTIONS = 128
_CONNECTION = "keep-alive"


@dataclass
class Rounds:
    """The results of the rounds, in order.

    Attributes:
        floor: the floor's answers per second.
        floor_cpu: the floor's CPU seconds per answer.
        journeys: of each design and queue.
    """

    floor: list[float] = field(default_factory=list)
    floor_cpu: list[float] = field(default_factory=list)
    journeys: dict[tuple[str, str], list[Journey]] = field(default_factory=lambda: defaultdict(list))


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
        # At first each process loads code and opens connections.
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
