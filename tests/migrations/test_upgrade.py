"""A database of an earlier version keeps its rows through an upgrade, and a replay makes the same tables from them."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import psycopg
import pytest
from alembic import command

from migrations.apply import migrate_database, migrations_config
from tests.meaning.tables import differences, empty, tables
from tests.processes import PREFIXES, ROOT
from workers.queue.delivery import Delivery, Provider, new_delivery_id
from workers.reading.scope import Scope
from workers.settling.replay_chosen import Selection, replay
from workers.settling.settle import settle

START = datetime(2026, 3, 2, 10, tzinfo=UTC)
SCOPE = Scope(webhook_ids=frozenset({"webhook-1"}))


def deliveries() -> Iterator[Delivery]:
    """Yield whole lessons in both dialects, and all hostile bodies; then a repeat and a foreign delivery of each."""
    bodies = [
        (provider, file.read_bytes())
        for provider in PREFIXES
        for folder in ("payloads", "traps/payloads")
        for file in sorted((ROOT / "tests" / folder / provider).iterdir())
    ]
    rounds = [("webhook-1", body) for body in bodies * 2] + [("webhook-2", body) for body in bodies]
    for number, (webhook_id, (provider, body)) in enumerate(rounds):
        at = START + timedelta(seconds=number)
        yield Delivery(new_delivery_id(at), at, Provider(provider), f"uuid-{number}", webhook_id, body)


@pytest.mark.parametrize("revision", ["0002", "0004", "0006"])
def test_an_upgraded_database_holds_the_same_and_replays_to_the_same(database_url: str, revision: str) -> None:
    with psycopg.connect(database_url, autocommit=True) as connection:
        batch = list(deliveries())
        with connection.transaction():
            settle(connection, batch[::-1], SCOPE)
        command.downgrade(migrations_config(database_url), revision)
        before = tables(connection)
        assert all(before.values())
        assert {row["status"] for row in before["deliveries"]} == {
            "processed",
            "repeat",
            "unknown",
            "foreign",
            "quarantined",
        }

        migrate_database(database_url)
        assert not differences(before, tables(connection))

        empty(connection, keep_ledger=True)
        replay(database_url, Selection(everything=True), SCOPE)
        assert not differences(before, tables(connection))
