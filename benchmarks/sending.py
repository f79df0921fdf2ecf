"""`sending`: outgoing webhooks from one process to an endpoint that answers at once.

- `rate`: against what the same HTTP client posts to the same endpoint with no rows behind it, alternating.
- `backlog`: what a delivery costs in CPU with 100,000 of them waiting, against 100 waiting.
- `hanging`: from a message's commit to its POST, at a hundred endpoints, with one of them hanging and without.
- `idle`: from the commit of a delivery's row to the first POST, through worker, announcer and sender.
"""

import asyncio
import http.client
import time
from collections.abc import Iterator, Sequence
from itertools import pairwise
from statistics import mean, median, quantiles

import psycopg
import uvloop
from cryptography.fernet import Fernet

from automations.secrets import Keyring
from automations.sending.client import EndpointClient
from automations.sending.guard import Guard
from automations.sending.way import Way
from benchmarks import sending_stage
from benchmarks.cpu import CpuAccount, spent
from benchmarks.effort import Effort, Line, ratio
from benchmarks.events import signed_events
from benchmarks.ground import Ground
from benchmarks.idle_latency import _post_one_by_one
from benchmarks.sending_stage import BODY, IN_FLIGHT, FastEndpoint, Stage
from benchmarks.system import rollcall, running

_MESSAGES = 10_000
_FEW, _BURSTS, _MANY = 100, 50, 100_000
_ENDPOINTS, _TICKS, _TICK = 100, 40, 0.25

_PENDING = "SELECT FROM rollcall.message_deliveries WHERE status = 'pending' LIMIT 1"
_COMMITTED = """
SELECT id, extract(epoch FROM pg_xact_commit_timestamp(xmin))::double precision FROM rollcall.messages
"""


def measure(ground: Ground, effort: Effort) -> Iterator[Line]:
    """Measure all four."""
    yield from _rate(ground, effort)
    yield from _hanging(ground)
    yield from _idle(ground)
    yield from _backlog(ground)


def _rate(ground: Ground, effort: Effort) -> Iterator[Line]:
    bare: list[float] = []
    rows: list[float] = []
    with sending_stage.stage(ground) as stage:
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


def _post_bare(endpoint: FastEndpoint) -> float:
    """Return the seconds for each of as many posts as above, by the same client and as many at a time."""
    headers = {"content-type": "application/json", "webhook-id": "msg_bare", "webhook-signature": "v1," + "a" * 44}
    left = iter(range(_MESSAGES))

    async def post() -> float:
        client = EndpointClient(Way(Guard(loopback=True)), f"{endpoint.url}/bare", IN_FLIGHT)

        async def one() -> None:
            for _ in left:
                answer = await client.post(headers, BODY.encode())
                if answer.status != http.HTTPStatus.OK:
                    raise RuntimeError(f"A post failed: {answer.error}")

        began = time.perf_counter()
        await asyncio.gather(*(one() for _ in range(IN_FLIGHT)))
        seconds = time.perf_counter() - began
        await client.close()
        return seconds / _MESSAGES

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(post())


def _backlog(ground: Ground) -> Iterator[Line]:
    few: list[float] = []
    with sending_stage.stage(ground) as stage:
        stage.add_endpoints("/a")
        stage.run_automations()
        stage.send(500)
        account = CpuAccount({"automations": stage.started.pids["automations"], "postgres": ground.postgres.pid})
        few += [_cost_of_each(stage, account, _FEW) for _ in range(_BURSTS)]
        many = _cost_of_each(stage, account, _MANY)
        at = sorted(moment for *_, moment in stage.endpoint.notes())
        few += [_cost_of_each(stage, account, _FEW) for _ in range(_BURSTS)]
    base = mean(few)
    yield {
        "benchmark": "sending",
        "what": "backlog",
        "cpu_us_each_of_100": round(base * 1e6),
        "cpu_us_each_of_100000": round(many * 1e6),
        "ratio": round(many / base, 3),
        "seconds_of_the_first_tenth_to_the_last": round((at[_MANY // 10] - at[0]) / (at[-1] - at[-_MANY // 10]), 3),
    }


def _cost_of_each(stage: Stage, account: CpuAccount, count: int) -> float:
    """Put so many messages; return the CPU seconds for each until the last is sent and its row says so."""
    stage.endpoint.ask("/clear")
    stage.put(count, tell=False)
    before = account.read()
    stage.tell()
    stage.endpoint.wait_for(count, stage.started)
    while stage.connection.execute(_PENDING).rowcount:
        time.sleep(0.01)
    return sum(spent(before, account.read()).values()) / count


def _hanging(ground: Ground) -> Iterator[Line]:
    paths = [f"/{number}" for number in range(_ENDPOINTS - 1)]
    without: list[float] = []
    with_one: list[float] = []
    for is_hanging in (False, True) * 2:
        with sending_stage.stage(ground) as stage:
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


def _settle(stage: Stage) -> None:
    stage.put(1)
    stage.endpoint.wait_for(_ENDPOINTS, stage.started)
    stage.endpoint.ask("/clear")


def _tick(stage: Stage) -> Sequence[float]:
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
        endpoint = FastEndpoint(system.processes)
        with psycopg.connect(system.database_url, autocommit=True) as connection:
            stage = Stage(system.processes, endpoint, connection, Keyring((Fernet(key),)))
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


def _quiet(endpoint: FastEndpoint) -> list[tuple[str, str, float]]:
    """Return the notes once no more come for three seconds."""
    counts = [-1, int(endpoint.ask("/count"))]
    while any(before != after for before, after in pairwise(counts[-2:])):
        time.sleep(3)
        counts.append(int(endpoint.ask("/count")))
    return endpoint.notes()
