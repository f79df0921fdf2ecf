"""A publication of all tables stops no worker, and a second server that subscribes to it has the same rows."""

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import psycopg
import pytest
from psycopg import sql

from automations.announcing.round import tell_changes, tell_outcomes, tell_verdicts
from console.embedded.server import EmbeddedPostgres
from migrations.apply import migrate_database
from tests.conftest import make_reachable_folder
from tests.meaning.tables import COLUMNS
from tests.processes import PREFIXES, ROOT, count, free_port
from tests.workers.queue.deliveries import DEADLINE, wait_until
from workers.queue.brokers import open_broker
from workers.queue.delivery import Delivery, Provider, new_delivery_id
from workers.queue.message import group_message
from workers.reading.scope import Scope
from workers.settling.replay_chosen import Selection, replay

NINE = datetime(2026, 3, 2, 9, tzinfo=UTC)
PAYLOADS = ROOT / "tests" / "payloads"
ALL = Selection(everything=True)

TABLES = """
SELECT schemaname, tablename FROM pg_tables WHERE schemaname IN ('rollcall', 'rollcall_queue') ORDER BY 1, 2
"""

# As operations.md has it.
RETENTION = """
DELETE FROM rollcall.deliveries WHERE session_id IS NOT NULL;
DELETE FROM rollcall.participant_events;
DELETE FROM rollcall.participants;
DELETE FROM rollcall.timeline WHERE session_id IS NOT NULL;
DELETE FROM rollcall.artifacts;
DELETE FROM rollcall.recordings;
DELETE FROM rollcall.sessions;
"""


class Pair:
    """Two servers with our tables, the second a subscriber of all that the first one has."""

    def __init__(self, publisher: str, subscriber: str) -> None:
        self.publisher = publisher
        self._subscriber = subscriber

    def subscribe(self) -> None:
        """Start it on tables that are empty, the revision's too: it comes with the first copy."""
        with psycopg.connect(self.publisher, autocommit=True) as connection:
            connection.execute("CREATE PUBLICATION everything FOR ALL TABLES")
        with psycopg.connect(self._subscriber, autocommit=True) as connection:
            connection.execute("TRUNCATE rollcall.alembic_version")
            connection.execute(
                sql.SQL("CREATE SUBSCRIPTION follower CONNECTION {} PUBLICATION everything").format(self.publisher)
            )
            wait_until(
                lambda: (
                    connection.execute("SELECT bool_and(srsubstate = 'r') FROM pg_subscription_rel").fetchone()
                    == (True,)
                )
            )

    def rows(self) -> dict[str, list[str]]:
        """Return all rows of all tables as text, once both servers have the same."""
        published, followed = all_rows(self.publisher), all_rows(self._subscriber)
        until = time.monotonic() + DEADLINE
        # The worker's sign of life changes all the time, so both are read until they agree.
        while published != followed and time.monotonic() < until:
            published, followed = all_rows(self.publisher), all_rows(self._subscriber)
        assert followed == published
        return published


def all_rows(url: str) -> dict[str, list[str]]:
    with psycopg.connect(url) as connection:
        connection.execute("SET timezone = 'UTC'")
        return {
            f"{schema}.{table}": [
                row[0]
                for row in connection.execute(
                    sql.SQL("SELECT t::text FROM {} AS t ORDER BY 1").format(sql.Identifier(schema, table))
                )
            ]
            for schema, table in connection.execute(TABLES).fetchall()
        }


@pytest.fixture
def pair() -> Iterator[Pair]:
    settings = {
        "wal_level": "logical",
        "fsync": "off",
        "full_page_writes": "off",
        "shared_buffers": "32MB",
        # All tables are copied at once, and what has to be tried again soon is.
        "max_logical_replication_workers": "20",
        "max_worker_processes": "30",
        "max_sync_workers_per_subscription": "16",
        "max_replication_slots": "30",
        "max_wal_senders": "30",
        "wal_retrieve_retry_interval": "100ms",
    }
    with ExitStack() as ending:
        folder = make_reachable_folder()
        ending.callback(shutil.rmtree, folder)
        urls = []
        for name in ("publisher", "subscriber"):
            server = EmbeddedPostgres(folder / name, settings)
            server.start()
            ending.callback(server.stop)
            migrate_database(server.url())
            urls.append(server.url())
        yield Pair(*urls)


@contextmanager
def worker(database_url: str, folder: Path) -> Iterator[None]:
    """A worker's process, with the database as its queue; it ends with the context."""
    environment = {
        "PATH": os.environ["PATH"],
        "PYTHONPATH": str(ROOT),
        "DATABASE_URL": database_url,
        "METRICS_PORT": str(free_port()),
    }
    with (folder / "worker.log").open("ab") as log:
        process = subprocess.Popen([sys.executable, "-m", "workers"], env=environment, cwd=folder, stderr=log)
        try:
            yield
        finally:
            process.terminate()
            process.wait(30)


def lesson(provider: str, minutes: float) -> list[Delivery]:
    """The fifteen payloads of a lesson, a second apart."""
    files = sorted((PAYLOADS / provider).glob("*.json"))
    times = [NINE + timedelta(minutes=minutes, seconds=number) for number in range(len(files))]
    return [
        Delivery(new_delivery_id(at), at, Provider(provider), f"{provider} {at}", "webhook-1", file.read_bytes())
        for at, file in zip(times, files, strict=True)
    ]


def work_off(database_url: str, messages: Sequence[Sequence[Delivery]]) -> None:
    """Put messages into the queue, and wait until a worker has them in the tables."""
    with psycopg.connect(database_url, autocommit=True) as connection:
        known = count(connection, "rollcall.deliveries")
        broker = open_broker(database_url)
        for message in messages:
            broker.enqueue(group_message(list(message)))
        broker.close()
        expected = known + sum(map(len, messages))
        wait_until(lambda: count(connection, "rollcall.deliveries") == expected)
        wait_until(lambda: count(connection, "rollcall_queue.queue") == 0)


ENDPOINT = """
INSERT INTO rollcall.endpoints (id, name, url, created_at) VALUES ('e-1', 'e', 'https://example.com/', '2000-01-01');
INSERT INTO rollcall.roster (meeting_id, person, starts_at, ends_at) VALUES ('m-1', 'p-1', '2026-03-02', '2026-03-03');
"""
# As a sender writes them.
SENT = """
INSERT INTO rollcall.endpoint_secrets (id, endpoint_id, secret) VALUES (gen_random_uuid(), 'e-1', 'x');
INSERT INTO rollcall.endpoint_states (endpoint_id) VALUES ('e-1');
INSERT INTO rollcall.attempts (message_id, endpoint_id, number, at, duration_ms)
    SELECT message_id, endpoint_id, 1, now(), 1 FROM rollcall.message_deliveries;
UPDATE rollcall.message_deliveries SET status = 'delivered', attempts = 1, delivered_at = now();
INSERT INTO rollcall.marks (kind, subject) VALUES ('session', 'left for later');
INSERT INTO rollcall.audit (who, act, subject, address) VALUES ('link', 'replay', 'status quarantined', '127.0.0.1');
"""
OF_MESSAGES = {
    *("rollcall.marks", "rollcall.tellings", "rollcall.messages", "rollcall.message_deliveries", "rollcall.attempts"),
    *(
        "rollcall.endpoints",
        "rollcall.endpoint_states",
        "rollcall.endpoint_secrets",
        "rollcall.roster_verdicts",
        "rollcall.audit",
    ),
}


def announce(database_url: str) -> None:
    """Make messages of what has changed, and take them for sent."""
    with psycopg.connect(database_url, autocommit=True) as connection:
        tell_changes(connection, timedelta(days=1), timedelta(0))
        tell_outcomes(connection, timedelta(days=1), timedelta(0))
        tell_verdicts(connection, timedelta(days=1), ())
        connection.execute(SENT)


def test_a_subscriber_has_every_row_of_every_table(pair: Pair, tmp_path: Path) -> None:
    pair.subscribe()
    with psycopg.connect(pair.publisher) as connection:
        connection.execute(ENDPOINT)
    late = {provider: lesson(provider, 60) for provider in PREFIXES}
    with worker(pair.publisher, tmp_path):
        work_off(pair.publisher, [[one] for deliveries in late.values() for one in reversed(deliveries)])
        announce(pair.publisher)
        first = pair.rows()
        assert all(first[f"rollcall.{table}"] for table in COLUMNS), "every table that deliveries fill has rows"

        # Copies that were received earlier take over: what the later ones had said is taken back.
        work_off(pair.publisher, [lesson(provider, 0) for provider in PREFIXES])
        taken_over = pair.rows()
        assert taken_over["rollcall.timeline"] != first["rollcall.timeline"]

    replay(pair.publisher, ALL, Scope(webhook_ids=frozenset({"webhook-2"})))
    shut_out = pair.rows()
    assert not shut_out["rollcall.sessions"] + shut_out["rollcall.timeline"]
    replay(pair.publisher, ALL, Scope())
    again = pair.rows()
    others = {"rollcall.deliveries", "rollcall_queue.worker", *OF_MESSAGES}
    derived = [table for table in again if table not in others]
    assert {table: again[table] for table in derived} == {table: taken_over[table] for table in derived}

    with psycopg.connect(pair.publisher) as connection:
        connection.execute(RETENTION)
    assert not pair.rows()["rollcall.sessions"]


IDENTITIES = """
SELECT format('%s.%s', relnamespace::regnamespace, relname)
FROM pg_class
WHERE relnamespace::regnamespace::text IN ('rollcall', 'rollcall_queue') AND relkind IN ('r', 'p')
    AND relreplident <> 'f'
    AND NOT EXISTS (
        SELECT FROM pg_index
        WHERE indrelid = pg_class.oid AND CASE relreplident WHEN 'd' THEN indisprimary ELSE indisreplident END)
"""


def without_identity(connection: psycopg.Connection[Any]) -> list[str]:
    return [row[0] for row in connection.execute(IDENTITIES)]


def test_every_table_says_how_its_rows_are_told_apart(database_url: str) -> None:
    with psycopg.connect(database_url) as connection:
        assert without_identity(connection) == []
        connection.execute("CREATE TABLE rollcall.forgotten (name text)")
        connection.execute("ALTER TABLE rollcall_queue.queue REPLICA IDENTITY NOTHING")
        assert sorted(without_identity(connection)) == ["rollcall.forgotten", "rollcall_queue.queue"]
