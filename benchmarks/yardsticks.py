"""`yardsticks`: the unavoidable work: an HTTP answer, a signature check, and the ledger's bytes in Postgres.

The sum of their CPU times is a lower bound for any receiver in Python that stores what it accepts.
"""

import time
from base64 import b64decode
from collections.abc import Callable, Iterator, Sequence
from statistics import median

import psycopg

from benchmarks.cpu import CpuAccount, spent
from benchmarks.effort import Effort, Line, ratio
from benchmarks.events import EventSet, signed_events
from benchmarks.ground import Ground
from benchmarks.load import post_for
from benchmarks.system import FLOOR, VERIFIED_FLOOR, System, running
from receiver.keys.public_key import read_public_keys
from workers.queue.delivery import Delivery

_CONNECTIONS = 128
_CHECKS = 5_000
# Rows per commit, about as many as in a busy worker.
_ROWS_AT_ONCE = 200


def measure(ground: Ground, effort: Effort) -> Iterator[Line]:
    """Measure each separately, alternating between the two servers."""
    events = signed_events(effort.events)
    with (
        running(ground, FLOOR, events.public_key) as floor,
        running(ground, VERIFIED_FLOOR, events.public_key) as verified,
    ):
        rounds = [
            [_answers(system, events, effort.seconds) for system in (floor, verified)] for _ in range(effort.rounds)
        ]
    floor_rates = [one[0][0] for one in rounds]
    for place, name in enumerate(("bare HTTP answer (the floor)", "HTTP answer after a signature's check")):
        rates = [one[place][0] for one in rounds]
        yield _line(name, rates, [one[place][1] for one in rounds]) | {"of_floor": ratio(rates, floor_rates)}
    yield _best(effort.rounds, "RSA signature's check", lambda: _check(events))
    with ground.database("yardsticks") as url:
        deliveries = [event.delivery() for event in events.events]
        yield _best(effort.rounds, "COPY of the payloads into Postgres", lambda: _copy(ground, url, deliveries))


def _answers(system: System, events: EventSet, seconds: int) -> tuple[float, float]:
    account = system.account()
    before = account.read()
    load = post_for(seconds, system.port, events.requests_file("keep-alive"), _CONNECTIONS)
    return load.answers_per_second, sum(spent(before, account.read()).values()) / load.requests


def _check(events: EventSet) -> tuple[float, float]:
    (key,) = read_public_keys(events.public_key)
    signed = [(b64decode(event.signature), event.body) for event in events.events[:_CHECKS]]
    began, cpu = time.perf_counter(), time.process_time()
    if not all(key.made(signature, body) for signature, body in signed):
        raise AssertionError("A signature of the cached events is not that of the cached key: delete the cache.")
    return len(signed) / (time.perf_counter() - began), (time.process_time() - cpu) / len(signed)


def _copy(ground: Ground, url: str, deliveries: Sequence[Delivery]) -> tuple[float, float]:
    account = CpuAccount({"postgres": ground.postgres.pid})
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("CREATE TABLE IF NOT EXISTS copied (id uuid PRIMARY KEY, payload jsonb)")
        connection.execute("TRUNCATE copied")
        before = account.read()
        began = time.perf_counter()
        for at in range(0, len(deliveries), _ROWS_AT_ONCE):
            with connection.cursor() as cursor, cursor.copy("COPY copied FROM STDIN") as rows:
                for delivery in deliveries[at : at + _ROWS_AT_ONCE]:
                    rows.write_row((delivery.id, delivery.body.decode()))
        seconds = time.perf_counter() - began
        return len(deliveries) / seconds, spent(before, account.read())["postgres"] / len(deliveries)


def _best(rounds: int, name: str, run: Callable[[], tuple[float, float]]) -> Line:
    rates, costs = zip(*(run() for _ in range(rounds)), strict=True)
    return _line(name, rates, costs)


def _line(name: str, rates: Sequence[float], costs: Sequence[float]) -> dict[str, object]:
    return {
        "benchmark": "yardsticks",
        "what": name,
        "per_second": round(median(rates)),
        "cpu_us": round(median(costs) * 1e6, 1),
    }
