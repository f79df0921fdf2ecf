"""`idle_latency`: from the start of a POST, on a new connection, to its row being visible, one delivery at a time.

The ledger's newest id is polled every half millisecond on a separate connection, which limits the accuracy. Between two
deliveries the system is idle for a random moment.
"""

import random
import socket
import time
from collections.abc import Iterator
from statistics import quantiles

import psycopg

from benchmarks.effort import Effort, Line
from benchmarks.events import signed_events
from benchmarks.ground import Ground
from benchmarks.system import System, rollcall, running

_DELIVERIES = 200
_WARM_UP = 20
_POLL_SECONDS = 0.0005
_SHORTEST_REST, _LONGEST_REST = 0.02, 0.12
_DEADLINE = 10.0
_NEWEST = "SELECT id FROM rollcall.deliveries ORDER BY id DESC LIMIT 1"


def measure(ground: Ground, effort: Effort) -> Iterator[Line]:
    """Measure it on each queue."""
    events = signed_events(effort.plain_events)
    requests = [event.request("close") for event in events.events[: _WARM_UP + _DELIVERIES]]
    for queue in ground.queues:
        with running(ground, rollcall(), events.public_key, queue=queue) as system:
            answered, visible = zip(*_post_one_by_one(system, requests), strict=True)
        cuts_answered, cuts_visible = quantiles(answered[_WARM_UP:], n=20), quantiles(visible[_WARM_UP:], n=20)
        yield {
            "benchmark": "idle_latency",
            "queue": queue,
            "deliveries": _DELIVERIES,
            "answer_p50_ms": round(cuts_answered[9] * 1000, 2),
            "answer_p95_ms": round(cuts_answered[18] * 1000, 2),
            "row_p50_ms": round(cuts_visible[9] * 1000, 2),
            "row_p95_ms": round(cuts_visible[18] * 1000, 2),
        }


def _post_one_by_one(system: System, requests: list[bytes]) -> Iterator[tuple[float, float]]:
    """Post the requests; yield for each the seconds to its answer and to its row."""
    chance = random.Random(0)
    with psycopg.connect(system.database_url, autocommit=True) as connection:
        newest = connection.execute(_NEWEST).fetchone()
        for request in requests:
            time.sleep(chance.uniform(_SHORTEST_REST, _LONGEST_REST))
            began = time.perf_counter()
            with socket.create_connection(("127.0.0.1", system.port), timeout=_DEADLINE) as client:
                client.sendall(request)
                answer = client.recv(4096)
            answered = time.perf_counter() - began
            if not answer.startswith(b"HTTP/1.1 200 "):
                raise RuntimeError(f"A delivery was refused: {answer[:60]!r}")
            before = newest
            while (newest := connection.execute(_NEWEST).fetchone()) == before:
                if time.perf_counter() - began > _DEADLINE:
                    raise TimeoutError(f"A row did not appear within {_DEADLINE} s:\n{system.processes.complaints()}")
                time.sleep(_POLL_SECONDS)
            yield answered, time.perf_counter() - began
