"""The ledger suffices: it restores emptied tables, and under another scope gives the tables of that scope."""

from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.meaning.generate import batches, schedules, scopes, worlds
from tests.meaning.tables import Connection, empty
from tests.meaning.verdict import Batches, examples, require_right_tables
from tests.meaning.work import connect, work_off
from workers.queue.delivery import Delivery
from workers.reading.scope import Scope
from workers.settling.replay_chosen import Selection, replay

ALL = Selection(everything=True)


@pytest.fixture
def connection(database_url: str) -> Iterator[Connection]:
    with connect(database_url) as opened:
        yield opened


@examples(0.5)
@given(kept=worlds(), scope=scopes, schedule=schedules)
def test_emptied_tables_come_back_from_the_ledger(
    connection: Connection, database_url: str, kept: list[Delivery], scope: Scope, schedule: int
) -> None:
    def work_then_empty_then_replay(some: Batches) -> None:
        work_off([connection], some, scope)
        empty(connection, keep_ledger=True)
        replay(database_url, ALL, scope)

    require_right_tables(connection, batches(kept, schedule), scope, work_then_empty_then_replay)


@examples(0.5)
@given(kept=worlds(), scope=scopes, schedule=schedules, scope_then=scopes)
def test_a_replay_under_another_scope_makes_the_tables_of_that_scope(
    connection: Connection, database_url: str, kept: list[Delivery], scope: Scope, schedule: int, scope_then: Scope
) -> None:
    def work_then_replay(some: Batches) -> None:
        work_off([connection], some, scope)
        replay(database_url, ALL, scope_then)

    require_right_tables(connection, batches(kept, schedule), scope_then, work_then_replay)


@examples(0.25)
@given(kept=worlds(), scope=scopes, schedule=schedules, chosen=st.integers(min_value=0))
def test_a_replay_of_one_delivery_changes_nothing_that_was_right(
    connection: Connection, database_url: str, kept: list[Delivery], scope: Scope, schedule: int, chosen: int
) -> None:
    def work_then_replay_one(some: Batches) -> None:
        work_off([connection], some, scope)
        ids = sorted({delivery.id for batch in some for delivery in batch})
        if ids:
            replay(database_url, Selection(ids=(ids[chosen % len(ids)],)), scope)

    require_right_tables(connection, batches(kept, schedule), scope, work_then_replay_one)
