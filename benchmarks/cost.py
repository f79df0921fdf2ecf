"""`cost`: CPU seconds per 100,000 events by process, compared with the floor, and the resulting events per day.

The events per day assume that all cores do nothing but process events: an upper bound, since cores also wait for each
other. One receiver and one worker process are bounds of their own, as each runs on one core.
"""

import os
from collections.abc import Iterator
from statistics import median

from benchmarks.effort import Effort, Line, ratio
from benchmarks.ground import Ground
from benchmarks.rounds import Rounds, run_rounds

_EVENTS = 100_000
_DAY_SECONDS = 86_400


def measure(ground: Ground, effort: Effort) -> Iterator[Line]:
    """Measure it on each queue, without the plain design."""
    yield from cost_lines(run_rounds(ground, effort, plain=False))


def cost_lines(rounds: Rounds) -> Iterator[Line]:
    """Return the cost of the floor and of Rollcall in some rounds."""
    yield {
        "benchmark": "cost",
        "queue": "none (the floor)",
        "receiver": round(median(rounds.floor_cpu) * _EVENTS, 1),
        "all": round(median(rounds.floor_cpu) * _EVENTS, 1),
        "times_floor": 1.0,
    }
    for (design, queue), journeys in rounds.journeys.items():
        if design != "rollcall":
            continue
        costs = [journey.cpu_per_event for journey in journeys]
        parts = {
            part: round(median(journey.cpu[part] / journey.events for journey in journeys) * _EVENTS, 1)
            for part in journeys[0].cpu
        }
        yield {
            "benchmark": "cost",
            "queue": queue,
            **parts,
            "all": round(median(costs) * _EVENTS, 1),
            "times_floor": ratio(costs, rounds.floor_cpu),
            "machine_events_a_day": round(_DAY_SECONDS * (os.cpu_count() or 1) / median(costs)),
            "receiver_events_a_second": round(_EVENTS / parts["receiver"]),
            "worker_events_a_second": round(_EVENTS / parts["worker"]),
        }
