"""`cost`: CPU seconds for 100,000 events by process, beside the floor's, and what they come to in a day.

A day of this machine is taken as all of its cores busy with events and nothing else: a bound, since a core also idles
while another is waited for. One receiver and one worker process are separate bounds, as each runs on one core.
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
    """Return what rounds have cost, of the floor and of Rollcall."""
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
