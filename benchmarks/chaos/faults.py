"""The faults: what each does to which part, and which come when, by a seed."""

import os
import random
import signal
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import suppress

import psutil

from benchmarks.chaos.fault import Fault, SparedError
from benchmarks.chaos.part import Part
from benchmarks.chaos.queue_faults import INTAKE, of_foreign_messages, of_rabbitmq_queue
from benchmarks.chaos.rabbitmq_nodes import RabbitmqNode
from benchmarks.chaos.stage import Stage
from benchmarks.chaos.waiting import wait_until
from tests.faults.tcp_proxy import TcpProxy

# Seconds between two faults, or pairs of them, and the share of pairs.
_SHORTEST_GAP, _LONGEST_GAP, _PAIRS = 1.5, 4.0, 0.25
_NODE_START_SECONDS = 120.0


def faults_of(stage: Stage) -> list[Fault]:
    """Return all faults that can befall a stage."""
    return [
        *(fault for receiver in stage.receivers for fault in _of_part("receiver", receiver, frozen=6.0)),
        # Longer than it takes a queue to give a silent worker up.
        *(fault for worker in stage.workers for fault in _of_part("worker", worker, frozen=45.0)),
        *_of_postgres(stage),
        *_of_pooler(stage),
        *_of_rabbitmq(stage),
        *of_rabbitmq_queue(stage),
        *of_foreign_messages(stage),
        *_of_proxies(INTAKE, stage.to_queue),
        *_of_proxies("workers to queue", stage.from_queue),
        *_of_proxies("workers to database", [stage.to_database]),
    ]


def _of_part(kind: str, part: Part, frozen: float) -> Iterator[Fault]:
    def stop() -> None:
        if status := part.stop():
            raise BadEndError(f"{part.name} exited with status {status} when asked to stop.")

    yield Fault(f"{kind} killed", part.name, part.kill, part.start, 5.0)
    yield Fault(f"{kind} frozen", part.name, part.freeze, part.thaw, frozen)
    yield Fault(f"{kind} restarted", part.name, stop, part.start, 1.0)


def _of_pooler(stage: Stage) -> Iterator[Fault]:
    # Not restarted: to pgbouncer a SIGTERM is as bad as a SIGKILL, and its status says so.
    if stage.pooler is not None:
        part = stage.pooler.part
        yield Fault("pooler killed", part.name, part.kill, part.start, 5.0)
        yield Fault("pooler frozen", part.name, part.freeze, part.thaw, 10.0)


class BadEndError(Exception):
    """A part did not stop in order."""


def _of_postgres(stage: Stage) -> Iterator[Fault]:
    def restart() -> None:
        stage.postgres.stop()
        stage.postgres.start()

    yield Fault("postgres killed", "postgres", lambda: os.kill(stage.postgres.pid, signal.SIGKILL), restart, 5.0)
    yield Fault("postgres aborted", "postgres", lambda: os.kill(stage.postgres.pid, signal.SIGQUIT), restart, 5.0)
    yield Fault(
        "postgres frozen",
        "postgres",
        lambda: _signal_all(stage.postgres.pid, signal.SIGSTOP),
        lambda: _signal_all(stage.postgres.pid, signal.SIGCONT),
        10.0,
    )


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


def _signal_all(pid: int, number: signal.Signals) -> None:
    with suppress(psutil.NoSuchProcess):
        parent = psutil.Process(pid)
        for process in (parent, *parent.children(recursive=True)):
            with suppress(psutil.NoSuchProcess):
                process.send_signal(number)


class Misfortune:
    """Faults in the order and at the times that a seed gives; what still suffers from one is spared the next.

    Attributes:
        befallen: how often each kind came.
        failures: what did not go as it must when a fault began or ended.
    """

    def __init__(self, stage: Stage, seed: int) -> None:
        self.befallen: Counter[str] = Counter()
        self.failures: list[str] = []
        self._faults = faults_of(stage)
        self._kinds = sorted({fault.kind for fault in self._faults})
        self._chance = random.Random(seed)
        self._suffering: set[str] = set()
        self._lock = threading.Lock()
        self._threads: list[threading.Thread] = []

    def rage(self, seconds: float) -> None:
        """Let faults befall the stage for so long, then return when the last has ended."""
        until = time.monotonic() + seconds
        while (left := until - time.monotonic()) > 0:
            time.sleep(min(left, self._chance.uniform(_SHORTEST_GAP, _LONGEST_GAP)))
            for _ in range(2 if self._chance.random() < _PAIRS else 1):
                self._befall(min(left, 60.0))
        for thread in self._threads:
            thread.join()

    def _befall(self, left: float) -> None:
        # Each kind is as likely as the next, however many parts it can befall.
        kind = self._chance.choice(self._kinds)
        fault = self._chance.choice([fault for fault in self._faults if fault.kind == kind])
        lasts = min(left, self._chance.uniform(0, fault.longest))
        with self._lock:
            if fault.targets & self._suffering:
                return
            self._suffering |= fault.targets
        self.befallen[kind] += 1
        thread = threading.Thread(target=self._suffer, args=(fault, lasts), daemon=True)
        self._threads.append(thread)
        thread.start()

    def _suffer(self, fault: Fault, lasts: float) -> None:
        try:
            try:
                fault.begin()
                time.sleep(lasts)
            finally:
                fault.end()
        except SparedError:
            self.befallen[fault.kind] -= 1
        except Exception as error:  # noqa: BLE001 - reported in the summary; the other faults go on
            self.failures.append(f"{fault.kind}: {type(error).__name__}: {error}")
        with self._lock:
            self._suffering -= fault.targets
