"""The verdict on what befell a stage finds what is lost, what counts twice, and what the tables say wrongly."""

import hashlib
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import psycopg
import pytest

from benchmarks.chaos.account import Account
from benchmarks.chaos.stage import Stage
from benchmarks.chaos.verdict import Verdict, judge
from benchmarks.events import unsigned_deliveries
from receiver.keeping.spool import Spool
from tests.workers.queue.deliveries import a_delivery
from workers.queue.brokers import open_broker
from workers.queue.message import group_message
from workers.reading.scope import Scope
from workers.settling.settle import settle

DELIVERIES = 60


@pytest.fixture
def account(database_url: str) -> Account:
    """What was accepted, all of it settled."""
    account = Account()
    deliveries = unsigned_deliveries(DELIVERIES, seed=1)
    for delivery in deliveries:
        identity = hashlib.sha256(delivery.body).digest()
        account.accepted[identity] += 1
        account.bodies[identity] = (delivery.provider, delivery.body)
    with psycopg.connect(database_url) as connection:
        settle(connection, deliveries, Scope())
    return account


@pytest.fixture
def verdict(database_url: str, account: Account, tmp_path: Path) -> Callable[[], Verdict]:
    """Judge what is in the database."""
    stage = SimpleNamespace(database_url=database_url, broker_urls=[database_url], spool=tmp_path, foreign=0)
    return lambda: judge(cast("Stage", stage), account)


def execute(url: str, statement: str) -> None:
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(statement.encode())


def test_it_is_good_where_all_is_there_once(verdict: Callable[[], Verdict]) -> None:
    assert verdict().is_good
    assert verdict().deliveries == DELIVERIES


@pytest.mark.parametrize(
    ("fault", "found"),
    [
        ("DELETE FROM rollcall.deliveries WHERE id = (SELECT max(id::text)::uuid FROM rollcall.deliveries)", "lost"),
        (
            (
                "INSERT INTO rollcall.deliveries (id, provider, body_sha256, received_at, status, session_id) "
                "SELECT gen_random_uuid(), provider, body_sha256, received_at, status, 'another' "
                "FROM rollcall.deliveries LIMIT 1"
            ),
            "doubled",
        ),
        ("DELETE FROM rollcall.timeline WHERE kind = 'participant.joined'", "wrong"),
        ("UPDATE rollcall.sessions SET stated_started_at = started_at + interval '1 second'", "wrong"),
        ("UPDATE rollcall.deliveries SET status = 'quarantined'", "quarantined"),
        (
            (
                "INSERT INTO rollcall.deliveries (id, provider, body_sha256, received_at, status) "
                "VALUES (gen_random_uuid(), 'dyte', 'nobody sent it', now(), 'unknown')"
            ),
            "unknown",
        ),
    ],
)
def test_it_is_bad_where_something_is_not_as_it_must_be(
    fault: str, found: str, database_url: str, verdict: Callable[[], Verdict]
) -> None:
    execute(database_url, fault)
    assert getattr(verdict(), found)
    assert not verdict().is_good


def test_it_is_bad_where_something_waits(database_url: str, verdict: Callable[[], Verdict], tmp_path: Path) -> None:
    broker: Any = open_broker(database_url)
    broker.enqueue(group_message([a_delivery()]))
    broker.close()
    spool = Spool(tmp_path)
    spool.put([a_delivery()])
    assert (verdict().in_queue, verdict().in_spool) == (1, 1)
    spool.close()
    assert not verdict().is_good


def test_a_good_delivery_that_a_4xx_made_the_vendor_drop_counts_as_lost(
    verdict: Callable[[], Verdict], account: Account
) -> None:
    account.lost_to_refusals = 1
    assert not verdict().is_good
    assert verdict().lost_to_refusals == 1


@pytest.mark.parametrize("status", ["quarantined", "processed"])
def test_what_came_while_a_receivers_clock_was_days_off_is_left_to_the_reference_model(
    database_url: str, verdict: Callable[[], Verdict], status: str
) -> None:
    execute(
        database_url,
        "INSERT INTO rollcall.deliveries (id, provider, body_sha256, received_at, status, session_id) "
        f"SELECT gen_random_uuid(), provider, body_sha256, received_at - interval '3 days', '{status}', 'another' "
        "FROM rollcall.deliveries LIMIT 1",
    )
    found = verdict()
    assert (found.by_a_wrong_clock, found.quarantined, found.doubled) == (1, 0, 0)
    assert found.wrong
    assert not found.is_good
