"""Time limits that a role or a database has are for people's queries: whatever they are, all of ours goes on."""

import os
import subprocess
import sys
from pathlib import Path

import psycopg
import pytest

from migrations.apply import migrate_database
from runtime.connections import connect
from tests.faults.tcp_proxy import TcpProxy
from tests.processes import ROOT, run_system
from tests.queues import proxy_of, through
from tests.workers.queue.deliveries import wait_until
from tests.workers.running.refusing import started, working
from workers.queue.message import group_message
from workers.queue.postgres import PostgresQueue

LIMITS = {
    "statement_timeout": "1ms",
    "lock_timeout": "1ms",
    "idle_in_transaction_session_timeout": "1ms",
    "idle_session_timeout": "1s",
}


@pytest.fixture
def limited_url(database_url: str) -> str:
    limit(database_url)
    return database_url


def limit(url: str) -> None:
    """Give the database all limits there are, as low as they go."""
    with psycopg.connect(url, autocommit=True) as connection:
        for name, value in LIMITS.items():
            connection.execute(f"ALTER DATABASE {connection.info.dbname} SET {name} = '{value}'".encode())


def test_a_worker_goes_on_under_limits(tmp_path: Path, limited_url: str) -> None:
    unlimited = f"{limited_url}{'&' if '?' in limited_url else '?'}options={'%20'.join(f'-c{n}%3D0' for n in LIMITS)}"
    with working(tmp_path, unlimited, limited_url) as work:
        work.publish([started(f"s-{number}") for number in range(100)])
        work.wait_for(processed=100)
        # A lock that is held for longer than any of the limits.
        with psycopg.connect(unlimited) as holder:
            holder.execute("LOCK TABLE rollcall.sessions IN ACCESS EXCLUSIVE MODE")
            work.publish([started("late")])
            waits = "SELECT now() - waitstart > '0.1 s' FROM pg_locks WHERE NOT granted AND relation IS NOT NULL"
            wait_until(lambda: work.connection.execute(waits).fetchone() == (True,))
        work.wait_for(processed=101)
        for event in ("database_away", "database_contended", "library_message"):
            assert not work.logged(event)


def test_a_publisher_that_has_idled_for_longer_than_the_limit_publishes_at_once(limited_url: str) -> None:
    queue = PostgresQueue(limited_url)
    queue.keep_alive()
    with connect(limited_url, name="test") as watcher:
        idle = """
            SELECT now() - state_change > '1.2 s' FROM pg_stat_activity
            WHERE application_name = 'rollcall (publishes)' AND datname = current_database()"""
        wait_until(lambda: watcher.execute(idle).fetchone() == (True,))
        queue.enqueue(group_message([started("s")]))
        assert watcher.execute("SELECT count(*) FROM rollcall_queue.queue").fetchone() == (1,)
    queue.close()


def test_a_database_with_limits_is_migrated(empty_database_url: str) -> None:
    limit(empty_database_url)
    migrate_database(empty_database_url)


def test_commands_go_on_under_limits(tmp_path: Path, limited_url: str) -> None:
    with run_system(tmp_path, limited_url) as system:
        for number in range(20):
            assert system.post(started(f"s-{number}").body, "dyte", f"uuid-{number}").status == 200
        with connect(limited_url, name="test") as connection:
            ledger = "SELECT count(*) FROM rollcall.deliveries"
            wait_until(lambda: connection.execute(ledger).fetchone() == (20,))
        assert "s-19" in system.rollcall("sessions")
        assert "Replayed 20 deliveries" in system.rollcall("replay", "--all")
        assert "FAILED" not in system.rollcall("doctor")


def test_an_export_takes_longer_than_the_limits(tmp_path: Path, database_url: str) -> None:
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute(
            "INSERT INTO rollcall.sessions (id, meeting_id, status, last_event_at) VALUES ('s-1', 'm', 'live', now())"
        )
        for name in ("statement_timeout", "lock_timeout"):
            connection.execute(f"ALTER DATABASE {connection.info.dbname} SET {name} = '1s'".encode())
    environment = {"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT), "DATABASE_URL": database_url}
    with psycopg.connect(database_url) as holder, connect(database_url, name="test") as watcher:
        holder.execute("LOCK TABLE rollcall.sessions IN ACCESS EXCLUSIVE MODE")
        command = [sys.executable, "-c", "from console.main import main; main()", "export", "sessions"]
        export = subprocess.Popen(
            command, cwd=tmp_path, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
        )
        waits = "SELECT now() - waitstart > '1.2 s' FROM pg_locks WHERE NOT granted AND relation IS NOT NULL"
        wait_until(lambda: watcher.execute(waits).fetchone() == (True,))
        holder.rollback()
        assert b"s-1" in export.communicate(timeout=60)[0]
    assert export.returncode == 0


class _Pooler(TcpProxy):
    """Names another process of the server than the one that answers, as poolers do: they hand sessions round."""

    def rewritten(self, data: bytes) -> bytes:
        at = data.find(b"K\0\0\0\x0c") + 5  # BackendKeyData: the process, then a secret
        return (
            data if at < len(b"K....") else data[:at] + bytes(byte ^ 1 for byte in data[at : at + 4]) + data[at + 4 :]
        )


SETTINGS = """
    SELECT current_setting('statement_timeout'), current_setting('lock_timeout'),
        current_setting('synchronous_commit'), current_setting('enable_seqscan')"""
OURS = ("0", "0", "off", "off")


@pytest.mark.parametrize("is_pooled", [False, True])
def test_where_a_pooler_shares_sessions_each_transaction_gets_the_settings_and_the_session_none(
    database_url: str, *, is_pooled: bool
) -> None:
    with psycopg.connect(database_url, autocommit=True) as connection:
        name = connection.info.dbname
        connection.execute(f"ALTER DATABASE {name} SET statement_timeout = '1min'".encode())
        connection.execute(f"ALTER DATABASE {name} SET lock_timeout = '1min'".encode())
        theirs = ("1min", "1min", "on", "on")
    kind = _Pooler if is_pooled else TcpProxy
    with (
        proxy_of(database_url, kind) as proxy,
        connect(
            through(proxy, database_url), name="test", durable=False, settings={"enable_seqscan": "off"}
        ) as connection,
    ):
        assert connection.execute(SETTINGS).fetchone() == OURS
        with connection.transaction():
            assert connection.cursor().execute(SETTINGS).fetchone() == OURS
            with connection.transaction():
                assert connection.execute(SETTINGS).fetchone() == OURS
        assert connection.cursor().execute(SETTINGS).fetchone() == OURS
        assert psycopg.Cursor(connection).execute(SETTINGS).fetchone() == (theirs if is_pooled else OURS)
        connection.execute("SELECT 1", prepare=True)
        prepared = connection.execute("SELECT count(*) FROM pg_prepared_statements").fetchone()
        assert prepared == (0 if is_pooled else 1,)


def test_work_goes_on_through_a_pooler_under_limits(tmp_path: Path, database_url: str) -> None:
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute(f"ALTER DATABASE {connection.info.dbname} SET lock_timeout = '1ms'".encode())
    with (
        proxy_of(database_url, _Pooler) as pooler,
        working(tmp_path, database_url, through(pooler, database_url)) as work,
    ):
        with psycopg.connect(database_url) as holder:
            holder.execute("SET lock_timeout = 0; LOCK TABLE rollcall.sessions IN ACCESS EXCLUSIVE MODE")
            work.publish([started("s")])
            waits = "SELECT now() - waitstart > '0.1 s' FROM pg_locks WHERE NOT granted AND relation IS NOT NULL"
            wait_until(lambda: work.connection.execute(waits).fetchone() == (True,))
        work.wait_for(processed=1)
