"""`end_to_end`: events per second from the first POST to the last committed row, and the CPU time it takes."""

from collections.abc import Iterator
from statistics import median

from benchmarks.cost import cost_lines
from benchmarks.effort import Effort, Line, ratio
from benchmarks.ground import Ground
from benchmarks.rounds import CONNECTIONS, run_rounds


def measure(ground: Ground, effort: Effort) -> Iterator[Line]:
    """Measure Rollcall and the plain design on each queue; `cost` uses the same rounds."""
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
    yield from cost_lines(rounds)
