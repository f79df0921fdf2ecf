"""`sending`: outgoing webhooks from one process to an endpoint that answers at once.

- `rate`: against what the same HTTP client posts to the same endpoint with no rows behind it, alternating.
- `backlog`: what a delivery costs with 100,000 of them waiting, against 100 waiting.
- `hanging`: from a message's commit to its POST, at a hundred endpoints, with one of them hanging and without.
- `idle`: from the commit of a delivery's row to the first POST, through worker, announcer and sender.
"""

import asyncio
import http.client
import json
import sys
import time
import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import pairwise
from statistics import median, quantiles

import psycopg
import uvloop
from cryptography.fernet import Fernet

from automations.secrets import Keyring, new_secret
from automations.sending.client import EndpointClient
from automations.sending.guard import Guard
from automations.sending.way import Way
from benchmarks.effort import Effort, Line, ratio
from benchmarks.events import signed_events
from benchmarks.ground import Ground
from benchmarks.idle_latency import _post_one_by_one
from benchmarks.processes import Processes, free_port, processes
from benchmarks.system import rollcall, running

_IN_FLIGHT = 32
_MESSAGES = 10_000
_FEW, _MANY = 100, 100_000
_ENDPOINTS, _TICKS, _TICK = 100, 40, 0.25
_DEADLINE = 600.0

_DATA = {"session": {"id": "s", "title": "Algebra, group 7", "status": "ended"}, "padding": "x" * 700}
_BODY = json.dumps({"type": "session.started", "timestamp": "2026-03-02T09:52:31.030000Z", "data": _DATA})
_PUT = """
WITH made AS (
    INSERT INTO rollcall.messages (id, type, occurred_at, body)
    SELECT 'msg_' || gen_random_uuid(), 'session.started', now(), %(body)s::jsonb FROM generate_series(1, %(count)s)
    RETURNING id, position
)
INSERT INTO rollcall.message_deliveries (message_id, endpoint_id, position, status, next_attempt_at)
SELECT made.id, endpoint.id, made.position, 'pending', now() FROM made CROSS JOIN rollcall.endpoints AS endpoint
"""
_COMMITTED = """
SELECT id, extract(epoch FROM pg_xact_commit_timestamp(xmin))::double precision FROM rollcall.messages
"""


class _Endpoint:
    """The fast endpoint, as a process."""

    def __init__(self, started: Processes) -> None:
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        started.start("endpoint", [sys.executable, "-m", "benchmarks.fast_endpoint", str(self.port)])

    def ask(self, path: str) -> str:
        deadline = time.monotonic() + 20
        while True:
            connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
            try:
                connection.request("GET", path)
                return connection.getresponse().read().decode()
            except OSError:
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.05)
            finally:
                connection.close()

    def wait_for(self, count: int, started: Processes) -> list[tuple[str, str, float]]:
        """Return the notes once there are `count`."""
        deadline = time.monotonic() + _DEADLINE
        while int(self.ask("/count")) < count:
            if time.monotonic() > deadline or not started.are_alive():
                raise TimeoutError(f"{self.ask('/count')} of {count} came:\n{started.complaints()}")
            time.sleep(0.05)
        notes: list[tuple[str, str, float]] = json.loads(self.ask("/times"))
        return notes


class _Stage:
    """A database, the endpoint and `automations`."""

    def __init__(self, started: Processes, database_url: str, keyring: Keyring) -> None:
        self.started = started
        self.endpoint = _Endpoint(started)
        self.connection = psycopg.connect(database_url, autocommit=True)
        self._keyring = keyring

    def add_endpoints(self, *paths: str) -> None:
        for path in paths:
            self.connection.execute(
                "INSERT INTO rollcall.endpoints (id, name, url, max_in_flight) VALUES (%s, %s, %s, %s)",
                [path, path, self.endpoint.url + path, _IN_FLIGHT],
            )
            self.connection.execute(
                "INSERT INTO rollcall.endpoint_secrets (id, endpoint_id, secret) VALUES (%s, %s, %s)",
                [uuid.uuid4(), path, self._keyring.encrypt(new_secret())],
            )

    def run_automations(self) -> None:
        self.started.start("automations", [sys.executable, "-m", "automations"])

    def put(self, count: int) -> None:
        self.connection.execute(_PUT, {"body": _BODY, "count": count})
        self.connection.execute("NOTIFY rollcall_messages")

    def send(self, count: int) -> float:
        """Put so many messages and return the seconds for each, from the first POST to the last."""
        self.endpoint.ask("/clear")
        self.put(count)
        at = sorted(moment for *_, moment in self.endpoint.wait_for(count, self.started))
        return (at[-1] - at[0]) / (count - 1)


@contextmanager
def _stage(ground: Ground) -> Iterator[_Stage]:
    key = Fernet.generate_key()
    with ground.database(f"run_{uuid.uuid4().hex[:8]}") as url:
        settings = {"DATABASE_URL": url, "SECRETS_KEY": key.decode(), "AUTOMATIONS_ALLOW": "127.0.0.0/8"}
        with processes(settings) as started:
            stage = _Stage(started, url, Keyring((Fernet(key),)))
            try:
                yield stage
            finally:
                stage.connection.close()


def measure(ground: Ground, effort: Effort) -> Iterator[Line]:
    """Measure all four."""
    yield from _rate(ground, effort)
    yield from _hanging(ground)
    yield from _idle(ground)
    yield from _backlog(ground)


def _rate(ground: Ground, effort: Effort) -> Iterator[Line]:
    bare: list[float] = []
    rows: list[float] = []
    with _stage(ground) as stage:
        stage.add_endpoints("/a")
        stage.run_automations()
        stage.send(500)
        for _ in range(effort.rounds):
            bare.append(1 / _post_bare(stage.endpoint))
            rows.append(1 / stage.send(_MESSAGES))
    yield {
        "benchmark": "sending",
        "what": "rate",
        "client_alone_per_s": round(median(bare)),
        "deliveries_per_s": round(median(rows)),
        "ratio": ratio(rows, bare),
    }


def _post_bare(endpoint: _Endpoint) -> float:
    """Return the seconds for each of as many posts as above, by the same client and as many at a time."""
    headers = {"content-type": "application/json", "webhook-id": "msg_bare", "webhook-signature": "v1," + "a" * 44}
    left = iter(range(_MESSAGES))

    async def post() -> float:
        client = EndpointClient(Way(Guard(loopback=True)), f"{endpoint.url}/bare", _IN_FLIGHT)

        async def one() -> None:
            for _ in left:
                answer = await client.post(headers, _BODY.encode())
                if answer.status != http.HTTPStatus.OK:
                    raise RuntimeError(f"A post failed: {answer.error}")

        began = time.perf_counter()
        await asyncio.gather(*(one() for _ in range(_IN_FLIGHT)))
        seconds = time.perf_counter() - began
        await client.close()
        return seconds / _MESSAGES

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(post())


def _backlog(ground: Ground) -> Iterator[Line]:
    with _stage(ground) as stage:
        stage.add_endpoints("/a")
        stage.run_automations()
        stage.send(500)
        few = [stage.send(_FEW) for _ in range(30)]
        many = stage.send(_MANY)
        again = [stage.send(_FEW) for _ in range(30)]
    base = median([*few, *again])
    yield {
        "benchmark": "sending",
        "what": "backlog",
        "us_each_of_100": round(base * 1e6),
        "us_each_of_100000": round(many * 1e6),
        "ratio": round(many / base, 3),
    }


def _hanging(ground: Ground) -> Iterator[Line]:
    paths = [f"/{number}" for number in range(_ENDPOINTS - 1)]
    without: list[float] = []
    with_one: list[float] = []
    for is_hanging in (False, True) * 2:
        with _stage(ground) as stage:
            stage.add_endpoints(*paths, "/hang" if is_hanging else "/last")
            stage.run_automations()
            _settle(stage)
            (with_one if is_hanging else without).extend(_tick(stage))
    calm, hung = quantiles(without, n=20)[18], quantiles(with_one, n=20)[18]
    yield {
        "benchmark": "sending",
        "what": "hanging",
        "p95_ms_without": round(calm * 1000, 1),
        "p95_ms_with_one": round(hung * 1000, 1),
        "ratio": round(hung / calm, 3),
    }


def _settle(stage: _Stage) -> None:
    stage.put(1)
    stage.endpoint.wait_for(_ENDPOINTS, stage.started)
    stage.endpoint.ask("/clear")


def _tick(stage: _Stage) -> Sequence[float]:
    """Put a message for all endpoints every moment; return the seconds from each commit to each answered POST."""
    for _ in range(_TICKS):
        stage.put(1)
        time.sleep(_TICK)
    notes = stage.endpoint.wait_for(_TICKS * (_ENDPOINTS - 1), stage.started)
    committed: dict[str, float] = dict(stage.connection.execute(_COMMITTED).fetchall())
    return [at - committed[id_] for path, id_, at in notes if path != "/hang" and id_ in committed]


def _idle(ground: Ground) -> Iterator[Line]:
    events = signed_events(1_500)
    requests = [event.request("close") for event in events.events[:220]]
    key = Fernet.generate_key()
    with running(ground, rollcall(), events.public_key) as system:
        endpoint = _Endpoint(system.processes)
        with psycopg.connect(system.database_url, autocommit=True) as connection:
            stage = _Stage.__new__(_Stage)
            stage.connection, stage.endpoint, stage.started = connection, endpoint, system.processes
            stage._keyring = Keyring((Fernet(key),))  # noqa: SLF001 - of this module
            stage.add_endpoints("/a")
            system.processes.settings.update(
                SECRETS_KEY=key.decode(), AUTOMATIONS_ALLOW="127.0.0.0/8", ANNOUNCE_WITHIN="3650d"
            )
            stage.run_automations()
            time.sleep(5)
            list(_post_one_by_one(system, requests))
            notes = _quiet(endpoint)
            committed: dict[str, float] = dict(
                connection.execute(
                    "SELECT m.id, extract(epoch FROM min(pg_xact_commit_timestamp(d.xmin)))::double precision "
                    "FROM rollcall.messages AS m JOIN rollcall.deliveries AS d "
                    "ON d.id = (m.body -> 'data' -> 'entry' ->> 'delivery_id')::uuid GROUP BY m.id"
                ).fetchall()
            )
    seconds = sorted(at - committed[id_] for _, id_, at in notes if id_ in committed)
    cuts = quantiles(seconds, n=100)
    yield {
        "benchmark": "sending",
        "what": "idle",
        "messages": len(seconds),
        "p50_ms": round(cuts[49] * 1000, 1),
        "p95_ms": round(cuts[94] * 1000, 1),
        "p99_ms": round(cuts[98] * 1000, 1),
    }


def _quiet(endpoint: _Endpoint) -> list[tuple[str, str, float]]:
    """Return the notes once no more come for three seconds."""
    counts = [-1, int(endpoint.ask("/count"))]
    while any(before != after for before, after in pairwise(counts[-2:])):
        time.sleep(3)
        counts.append(int(endpoint.ask("/count")))
    notes: list[tuple[str, str, float]] = json.loads(endpoint.ask("/times"))
    return notes
