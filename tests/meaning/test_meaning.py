"""The tables are a function of the set of kept deliveries: compared with a second computation of them."""

from collections.abc import Iterator

import pytest
from hypothesis import given

from tests.meaning.generate import batches, schedules, scopes, worlds
from tests.meaning.tables import Connection
from tests.meaning.verdict import examples, require_right_tables
from tests.meaning.work import connect, work_off
from workers.queue.delivery import Delivery
from workers.reading.scope import Scope

WORKERS = 4


@pytest.fixture
def connections(database_url: str) -> Iterator[list[Connection]]:
    opened = [connect(database_url) for _ in range(WORKERS)]
    yield opened
    for connection in opened:
        connection.close()


@examples()
@given(kept=worlds(), scope=scopes, schedule=schedules)
def test_one_worker_makes_the_same_tables_in_any_order_and_batches(
    connections: list[Connection], kept: list[Delivery], scope: Scope, schedule: int
) -> None:
    require_right_tables(
        connections[0], batches(kept, schedule), scope, lambda some: work_off(connections[:1], some, scope)
    )


@examples()
@given(kept=worlds(), scope=scopes, schedule=schedules)
def test_four_workers_at_once_make_the_same_tables(
    connections: list[Connection], kept: list[Delivery], scope: Scope, schedule: int
) -> None:
    require_right_tables(
        connections[0], batches(kept, schedule, most=30), scope, lambda some: work_off(connections, some, scope)
    )
