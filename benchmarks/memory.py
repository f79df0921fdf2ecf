"""`memory`: the memory of receiver and worker after each of several passes of events; constant means no leak."""

from collections.abc import Iterator

from benchmarks.cpu import resident_mib
from benchmarks.effort import Effort, Line
from benchmarks.events import signed_events
from benchmarks.ground import Ground
from benchmarks.journey import travel
from benchmarks.system import rollcall, running

# Passes of 20,000 events: together an hour's worth at 17 events a second.
_PASSES = 3
_CONNECTIONS = 128


def measure(ground: Ground, effort: Effort) -> Iterator[Line]:
    """Measure it on each queue."""
    events = signed_events(effort.events)
    requests = events.requests_file("keep-alive")
    for queue in ground.queues:
        with running(ground, rollcall(effort.receivers, effort.workers), events.public_key, queue=queue) as system:
            for number in range(1, _PASSES + 1):
                travel(system, requests, len(events.events), _CONNECTIONS)
                receiver, receiver_peak = resident_mib(system.processes.pids["receiver"])
                worker, worker_peak = resident_mib(system.processes.pids["worker"])
                yield {
                    "benchmark": "memory",
                    "queue": queue,
                    "events_so_far": number * len(events.events),
                    "receiver_mib": round(receiver),
                    "receiver_peak_mib": round(receiver_peak),
                    "worker_mib": round(worker),
                    "worker_peak_mib": round(worker_peak),
                }
                system.empty()
