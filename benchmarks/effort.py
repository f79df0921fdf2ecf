"""How much a run measures, and what a benchmark returns."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from statistics import median

from benchmarks.ground import Ground

Line = Mapping[str, object]
"""The result of one measurement; a JSON line."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Effort:
    """How much a run measures.

    Attributes:
        rounds: everything compared runs once in each.
        seconds: of load for each figure that is a rate of answers.
        events: sent end to end in one measurement.
        plain_events: the same for the plain design, whose rate is a tenth.
        connections: the numbers of connections at which intake is measured.
        rows: the sizes of ledgers, in deliveries.
        receivers: processes of a receiver.
        workers: processes of a worker.
        console_sessions: how many sessions the web console is measured on.
        database_url: what `console` measures instead of a database of its own.
    """

    rounds: int = 3
    seconds: int = 2
    events: int = 20_000
    plain_events: int = 1_500
    connections: tuple[int, ...] = (1, 32, 128)
    rows: tuple[int, ...] = (300_000,)
    receivers: int = 1
    workers: int = 1
    console_sessions: int = 30_000
    database_url: str | None = None


Benchmark = Callable[[Ground, Effort], Iterator[Line]]


def ratio(values: list[float], bases: list[float]) -> float:
    """Return the median of the rounds' ratios: a machine's speed varies, but both sides of a round vary together."""
    return round(median(value / base for value, base in zip(values, bases, strict=True)), 3)
