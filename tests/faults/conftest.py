"""Stages of real processes, and loads for them; after each load everything must be in the tables exactly once."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from itertools import count

import pytest

from benchmarks.chaos.account import Account
from benchmarks.chaos.posting import Plan
from benchmarks.chaos.stage import Stage, set_stage
from benchmarks.chaos.vendor import Vendor
from benchmarks.chaos.verdict import judge, wait_until_settled
from benchmarks.chaos.waiting import wait_until
from tests.queues import alone_at

RATE = 100
# On a busy machine a receiver is away for longer than the vendor's own tries last.
TRIES = 60
WAIT_SECONDS = 60.0

POSTGRES_SETTINGS = {"fsync": "off", "full_page_writes": "off", "shared_buffers": "64MB"}
# Seconds of silence after which a worker counts as dead: a tenth of the default.
WORKER = ["--dead-after", "2"]

_seeds = count(1)


class Load:
    """A load on a stage.

    Attributes:
        account: what came of it; there once it has ended.
    """

    def __init__(self, vendor: Vendor) -> None:
        self.account = Account()
        self.vendor = vendor

    def goes_on(self, deliveries: int = 50) -> None:
        """Return once this many more have been answered with 200."""
        goal = self.vendor.accepted + deliveries
        wait_until(lambda: self.vendor.accepted >= goal, "deliveries are accepted", WAIT_SECONDS)


class Theatre:
    """A stage and all its loads so far."""

    def __init__(self, stage: Stage) -> None:
        self.stage = stage
        self._account = Account()

    @contextmanager
    def under_load(self) -> Iterator[Load]:
        """Put the stage under load for the block; afterwards everything must be in the tables exactly once."""
        plan = Plan(ports=self.stage.ports, rate=RATE, seed=next(_seeds), tries=TRIES)
        with Vendor(plan, self.stage.key) as vendor:
            load = Load(vendor)
            load.goes_on()
            yield load
            load.goes_on()
            load.account = vendor.stop()
        self._account += load.account
        wait_until_settled(self.stage, self._account, WAIT_SECONDS)
        verdict = judge(self.stage, self._account)
        assert verdict.is_good, verdict
        assert not load.account.given_up


@contextmanager
def theatre_of(queue: str, **settings: str) -> Iterator[Theatre]:
    """Set a stage for tests: `queue` is `postgres` or a RabbitMQ's URL."""
    with set_stage(queue, postgres_settings=POSTGRES_SETTINGS, settings=settings, worker=WORKER) as stage:
        yield Theatre(stage)


@pytest.fixture(scope="module", params=["postgres", pytest.param("rabbitmq", marks=pytest.mark.rabbitmq)])
def theatre(request: pytest.FixtureRequest) -> Iterator[Theatre]:
    """A stage for all tests of a module, with either queue."""
    if request.param == "postgres":
        with theatre_of("postgres") as theatre:
            yield theatre
        return
    url = str(request.getfixturevalue("rabbitmq_vhost"))
    with alone_at(url), theatre_of(url) as theatre:
        yield theatre


UnderLoad = Callable[[], AbstractContextManager[Load]]


@pytest.fixture
def stage(theatre: Theatre) -> Iterator[Stage]:
    """The stage, repaired after each test."""
    yield theatre.stage
    theatre.stage.repair()


@pytest.fixture
def under_load(theatre: Theatre) -> UnderLoad:
    """Put the stage under load for a `with` block; afterwards everything must be in the tables exactly once."""
    return theatre.under_load
