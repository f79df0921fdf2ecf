"""A batch finds its rows by their keys, however large the tables are."""

import re
import threading
from collections.abc import Iterator
from functools import partial
from itertools import count, pairwise
from typing import Any

import psycopg
import pytest

from workers.reading.scope import Scope
from workers.running.transactions import Database
from workers.settings import WorkerSettings
from workers.tables import ledger, session_tables, statements, stored

STATEMENTS = {
    f"{module.__name__} {name} {place}": text
    for module in (statements, ledger, stored, session_tables)
    for name, value in vars(module).items()
    for place, text in enumerate(value if isinstance(value, tuple) else [value])
    if isinstance(text, str) and "%b::" in text
}
# What leads the indexes that a batch comes by.
BY_A_KEY = re.compile(r"Index Cond: \(+(\w+\.)?(id|stream_id|session_id|subject_id|delivery_id|repeat_of)\b")


@pytest.fixture(params=["database_url", "used_database_url"])
def database(request: pytest.FixtureRequest) -> Iterator[Database]:
    """Tables that are empty, or hold something, as a worker reaches them: a plan that is made early is kept."""
    url = request.getfixturevalue(request.param)
    settings = WorkerSettings(url, url, Scope(), host="", metrics_port=0)
    database = Database(settings, threading.Event())
    yield database
    database.close()


def test_no_statement_of_a_batch_reads_a_table_or_an_index_whole(database: Database) -> None:
    plans = {name: database.commit(partial(explain, statement=statement)) for name, statement in STATEMENTS.items()}
    assert {name: plan for name, plan in plans.items() if not goes_by_keys(plan)} == {}


def explain(connection: psycopg.Connection[Any], statement: str) -> list[str]:
    """The plan for whatever a batch holds."""
    numbers = count(1)
    numbered = re.sub("%b", lambda _: f"${next(numbers)}", statement).replace("%%", "%")
    return [row[0] for row in connection.execute(f"EXPLAIN (GENERIC_PLAN) {numbered}".encode())]


def goes_by_keys(plan: list[str]) -> bool:
    scans = [after for line, after in pairwise([*plan, ""]) if re.search("Index (Only )?Scan", line)]
    return all(map(BY_A_KEY.search, scans)) and not any("Seq Scan" in line for line in plan)


@pytest.mark.parametrize("statement", [ledger._FIRST_COPIES, ledger._FIRST_COPIES_WITHOUT_SESSION])  # noqa: SLF001 - its plan
def test_a_first_copy_is_found_without_a_look_at_its_repeats(database: Database, statement: str) -> None:
    plan = database.commit(partial(explain, statement=statement))
    conditions = [line for line in plan if "Index Cond" in line]
    assert [line for line in conditions if "body_sha256 = " in line and "CASE" in line] == conditions != []
