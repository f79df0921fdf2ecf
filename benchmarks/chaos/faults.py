"""The faults: what each does to which part."""

from collections.abc import Callable, Iterator
from functools import partial

from benchmarks.chaos.database_faults import of_failover, of_full_data_disk, of_pooler, of_postgres, of_role_limits
from benchmarks.chaos.endpoints import Mood
from benchmarks.chaos.fault import Fault
from benchmarks.chaos.part import Part
from benchmarks.chaos.queue_faults import INTAKE, of_foreign_messages, of_rabbitmq_queue
from benchmarks.chaos.rabbitmq_nodes import RabbitmqNode
from benchmarks.chaos.stage import Stage
from benchmarks.chaos.surroundings import (
    of_clock,
    of_descriptors,
    of_full_log_disk,
    of_full_spool_disk,
    of_hostile_connections,
    of_stderr,
)
from benchmarks.chaos.waiting import wait_until
from tests.faults.tcp_proxy import TcpProxy

_NODE_START_SECONDS = 120.0
# And automations.
WORKERS_TO_DATABASE = "workers to database"


def faults_of(stage: Stage) -> list[Fault]:
    """Return all faults that can befall a stage."""
    return [
        *(fault for receiver in stage.receivers for fault in _of_part("receiver", receiver, frozen=6.0)),
        # Longer than it takes a queue to give a silent worker up.
        *(fault for worker in stage.workers for fault in _of_part("worker", worker, frozen=45.0)),
        *(fault for part in stage.automations for fault in _of_part("automations", part, frozen=45.0)),
        *_of_endpoints(stage),
        *of_postgres(stage),
        *of_full_data_disk(stage),
        *of_role_limits(stage),
        *of_failover(stage),
        *of_pooler(stage),
        *_of_rabbitmq(stage),
        *of_rabbitmq_queue(stage),
        *of_foreign_messages(stage),
        *_of_proxies(INTAKE, stage.to_queue),
        *_of_proxies("workers to queue", stage.from_queue),
        *_of_proxies(WORKERS_TO_DATABASE, stage.to_database),
        *of_full_spool_disk(stage),
        *of_full_log_disk(stage),
        *of_stderr(stage),
        *of_descriptors(stage),
        *of_clock(stage),
        *of_hostile_connections(stage),
    ]


def _of_part(kind: str, part: Part, frozen: float) -> Iterator[Fault]:
    yield Fault(f"{kind} killed", part.name, part.kill, part.start, 5.0)
    yield Fault(f"{kind} frozen", part.name, part.freeze, part.thaw, frozen)
    yield Fault(f"{kind} restarted", part.name, part.stop_in_order, part.start, 1.0)


def _of_endpoints(stage: Stage) -> Iterator[Fault]:
    endpoints = stage.endpoints
    if endpoints is None:
        return
    kinds = {
        "endpoint fails": Mood.FAILS,
        "endpoint hangs": Mood.HANGS,
        "endpoint cuts off": Mood.CUTS_OFF,
        "endpoint answers late": Mood.LATE,
    }
    for kind, mood in kinds.items():
        for endpoint in endpoints.moods:
            turn = partial(endpoints.turn, endpoint)
            yield Fault(kind, endpoint, partial(turn, mood), partial(turn, Mood.GOOD), 15.0)


def _of_rabbitmq(stage: Stage) -> Iterator[Fault]:
    # One node at a time: of three, two must live.
    for node in stage.nodes:

        def restart(node: RabbitmqNode = node) -> None:
            node.part.start()
            wait_until(node.answers, f"{node.name} answers", _NODE_START_SECONDS)

        yield Fault("rabbitmq killed", "rabbitmq", node.part.kill, restart, 5.0)
        yield Fault("rabbitmq frozen", "rabbitmq", node.part.freeze, node.part.thaw, 20.0)


def _of_proxies(way: str, proxies: list[TcpProxy]) -> Iterator[Fault]:
    def each(act: Callable[[TcpProxy], None]) -> Callable[[], None]:
        def act_on_all() -> None:
            for proxy in proxies:
                act(proxy)

        return act_on_all

    nothing = each(lambda _: None)
    yield Fault(f"{way} cut", way, each(TcpProxy.cut), nothing, 0.0)
    yield Fault(f"{way} half closed", way, each(TcpProxy.half_close), nothing, 0.0)
    yield Fault(f"{way} refused", way, each(TcpProxy.refuse), each(TcpProxy.admit), 8.0)
    yield Fault(f"{way} frozen", way, each(TcpProxy.freeze), each(TcpProxy.thaw), 15.0)
    yield Fault(f"{way} slow", way, each(lambda proxy: proxy.delay(0.2)), each(lambda proxy: proxy.delay(0)), 10.0)
