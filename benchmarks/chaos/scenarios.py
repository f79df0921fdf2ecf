"""The scenarios: what befalls a stage under load, and what must hold beside that nothing is lost."""

import os
import signal
import sys
import time
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from benchmarks.chaos.database_faults import SERVER
from benchmarks.chaos.fault import Fault
from benchmarks.chaos.faults import WORKERS_TO_DATABASE
from benchmarks.chaos.misfortune import Misfortune
from benchmarks.chaos.stage import Stage
from benchmarks.chaos.verdict import in_spool
from benchmarks.chaos.waiting import NeverCameError, wait_until

_START_SECONDS = 120.0
# What the product promises: the spool is empty so long after the queue's return.
_SPOOL_EMPTY_WITHIN = 60.0
# Load before and after what befalls the queue.
_CALM_SECONDS = 10.0


@dataclass
class Story:
    """What befell a stage.

    Attributes:
        faults: how often each kind came.
        failures: what did not hold.
        figures: of this scenario alone.
        periods: when each fault was on, by the monotonic clock.
        losing: when faults were on by which the answer to a message may be lost, by the monotonic clock.
        nobody_notices: no delivery may be refused or answered late.
    """

    faults: Counter[str] = field(default_factory=Counter)
    failures: list[str] = field(default_factory=list)
    figures: dict[str, object] = field(default_factory=dict)
    periods: list[tuple[Fault, float, float]] = field(default_factory=list)
    losing: list[tuple[float, float]] = field(default_factory=list)
    nobody_notices: bool = False


Scenario = Callable[[Stage, int, float], Story]
"""Lets something befall a stage under load, by a seed, for so many seconds."""


def mixed(stage: Stage, seed: int, seconds: float) -> Story:
    """Anything befalls anything, every few seconds, at times two at once."""
    misfortune = Misfortune(stage, seed)
    misfortune.rage(seconds)
    deaths = {part.name: part.deaths for part in stage.own_parts if part.deaths}
    failures = misfortune.failures + [f"{name} ended by itself, with {ends}." for name, ends in deaths.items()]
    senders = {SERVER, WORKERS_TO_DATABASE, *(part.name for part in stage.automations)}
    senders |= set(stage.endpoints.moods if stage.endpoints else ())
    losing = [(began, ended) for fault, began, ended in misfortune.periods if fault.targets & senders]
    return Story(+misfortune.befallen, failures, {"left_out": stage.left_out}, misfortune.periods, losing)


def queue_down(stage: Stage, _seed: int, seconds: float) -> Story:
    """The queue's server is killed and comes back after `seconds`: only the spool may notice."""

    def kill() -> None:
        if not stage.nodes:
            os.kill(stage.postgres.pid, signal.SIGKILL)
        for node in stage.nodes:
            node.part.kill()

    def start() -> None:
        if not stage.nodes:
            stage.postgres.stop()
            stage.postgres.start()
        for node in stage.nodes:
            node.part.start()
        for node in stage.nodes:
            wait_until(node.answers, f"{node.name} answers", _START_SECONDS)

    return _without_queue(stage, seconds, "queue killed", kill, start)


def queue_frozen(stage: Stage, _seed: int, seconds: float) -> Story:
    """The queue takes connections and does not answer for `seconds`: only the spool may notice."""

    def freeze() -> None:
        for proxy in stage.to_queue:
            proxy.freeze()

    return _without_queue(stage, seconds, "queue frozen", freeze, stage.repair)


def _without_queue(
    stage: Stage, seconds: float, kind: str, take: Callable[[], None], give_back: Callable[[], None]
) -> Story:
    story = Story(Counter({kind: 1}), nobody_notices=True)
    time.sleep(_CALM_SECONDS)
    take()
    time.sleep(seconds)
    story.figures["spooled_groups"] = in_spool(stage.spool)
    give_back()
    try:
        took = wait_until(lambda: not in_spool(stage.spool), "the spool is empty", _SPOOL_EMPTY_WITHIN)
        story.figures["spool_empty_after_seconds"] = round(took, 1)
    except NeverCameError as error:
        story.failures.append(str(error))
    time.sleep(_CALM_SECONDS)
    return story


def lose_a_node(stage: Stage, _seed: int, seconds: float) -> Story:
    """Each node of a cluster in turn is killed, stays away for a while and comes back."""
    story = Story(nobody_notices=True)
    time.sleep(_CALM_SECONDS)
    for node in stage.nodes:
        node.part.kill()
        story.faults["rabbitmq killed"] += 1
        time.sleep(seconds / len(stage.nodes))
        node.part.start()
        wait_until(node.answers, f"{node.name} answers", _START_SECONDS)
        time.sleep(_CALM_SECONDS)
    if not stage.nodes:
        print("Only RabbitMQ has nodes to lose: choose --queue cluster.", file=sys.stderr)
    return story


SCENARIOS: Mapping[str, Scenario] = {
    "mixed": mixed,
    "queue-down": queue_down,
    "queue-frozen": queue_frozen,
    "lose-a-node": lose_a_node,
}
DEFAULT_SECONDS: Mapping[str, float] = {"mixed": 600, "queue-down": 60, "queue-frozen": 60, "lose-a-node": 60}
