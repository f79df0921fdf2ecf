"""Behind pgbouncer: the work goes on, neighbours' sessions stay as they were, and what can't be is said."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import psycopg
import pytest

from console.embedded.server import EmbeddedPostgres
from migrations.apply import migrate_database
from runtime.connections import connect
from runtime.poolers import lends_for_a_transaction
from tests.pgbouncer import pgbouncer
from tests.processes import ROOT, free_port, run_system
from tests.workers.queue.deliveries import wait_until
from tests.workers.running.refusing import started

SETTINGS = "SELECT name, setting FROM pg_settings WHERE name <> 'application_name' ORDER BY name"


@pytest.fixture
def pooled_url(embedded_postgres: EmbeddedPostgres, database_url: str, reachable_folder: Path) -> Iterator[str]:
    """The test's database through pgbouncer in transaction mode."""
    with pgbouncer(embedded_postgres, database_url, reachable_folder) as url:
        yield url


def settings_of_all_sessions(pooled_url: str) -> list[list[tuple[str, str]]]:
    """What neighbours find set, in as many of the pooler's sessions as it has."""
    with ExitStack() as ending:
        neighbours = [ending.enter_context(psycopg.connect(pooled_url)) for _ in range(10)]
        return [neighbour.execute(SETTINGS).fetchall() for neighbour in neighbours]


@pytest.mark.rabbitmq
def test_with_rabbitmq_all_works_and_neighbours_sessions_stay_as_they_were(
    tmp_path: Path, pooled_url: str, database_url: str, rabbitmq_url: str
) -> None:
    before = settings_of_all_sessions(pooled_url)[0]
    with run_system(tmp_path, pooled_url, BROKER_URL=rabbitmq_url) as system:
        for number in range(40):
            assert system.post(started(f"s-{number}").body, "dyte", f"uuid-{number}").status == 200
        with psycopg.connect(database_url, autocommit=True) as connection:
            wait_until(lambda: connection.execute("SELECT count(*) FROM rollcall.sessions").fetchone() == (40,), 60)
        assert "s-39" in system.rollcall("sessions")
        assert "s-39" in system.rollcall("export", "sessions")
        assert "Replayed 40 deliveries: 40 processed." in system.rollcall("replay", "--all")
        assert "Replayed 40 deliveries: 40 processed." in system.rollcall("replay", "--status", "processed")
        said = system.rollcall("doctor")
        assert "a defect" not in said
        assert "transaction mode" not in said
        assert "up to date" in system.rollcall("migrate")
        assert "database_away" not in system.log("workers").read_text()
        assert all(after == before for after in settings_of_all_sessions(pooled_url))


def test_an_empty_database_is_migrated_through_it(
    embedded_postgres: EmbeddedPostgres, empty_database_url: str, reachable_folder: Path
) -> None:
    with pgbouncer(embedded_postgres, empty_database_url, reachable_folder) as url:
        migrate_database(url)
        migrate_database(url)


def test_with_the_queue_in_postgres_the_worker_and_doctor_say_that_it_cannot_be(
    tmp_path: Path, pooled_url: str
) -> None:
    environment = {
        "PATH": os.environ["PATH"],
        "PYTHONPATH": str(ROOT),
        "DATABASE_URL": pooled_url,
        "METRICS_PORT": str(free_port()),
    }
    for command in (["-m", "workers"], ["-c", "from console.main import main; main()", "doctor"]):
        done = subprocess.run(
            [sys.executable, *command], cwd=tmp_path, env=environment, capture_output=True, text=True, check=False
        )
        assert done.returncode in {1, 2}
        said = [line for line in (done.stdout + done.stderr).splitlines() if "transaction mode" in line]
        assert len(said) == 1
        assert "LISTEN" in said[0]


@pytest.mark.parametrize(("mode", "lends"), [("transaction", True), ("session", False)])
def test_a_pooler_in_transaction_mode_is_told_from_one_in_session_mode(
    embedded_postgres: EmbeddedPostgres, database_url: str, reachable_folder: Path, mode: str, *, lends: bool
) -> None:
    assert not lends_for_a_transaction(database_url, name="test")
    with pgbouncer(embedded_postgres, database_url, reachable_folder, mode) as url:
        assert lends_for_a_transaction(url, name="test") == lends


def test_in_session_mode_the_queue_in_postgres_works(
    tmp_path: Path, embedded_postgres: EmbeddedPostgres, database_url: str, reachable_folder: Path
) -> None:
    with (
        pgbouncer(embedded_postgres, database_url, reachable_folder, "session") as url,
        run_system(tmp_path, url) as system,
    ):
        assert system.post(started("s").body, "dyte", "uuid").status == 200
        with psycopg.connect(database_url, autocommit=True) as connection:
            wait_until(lambda: connection.execute("SELECT 1 FROM rollcall.sessions").fetchone() == (1,), 60)


def test_a_transaction_through_it_has_its_settings_and_statements_are_not_kept(pooled_url: str) -> None:
    with connect(pooled_url, name="test", settings={"enable_seqscan": "off"}) as connection:
        for _ in range(3):
            [(seqscan,)] = connection.execute("SELECT current_setting('enable_seqscan')", prepare=True).fetchall()
            assert seqscan == "off"
        assert connection.execute("SELECT 1 FROM pg_prepared_statements").fetchone() is None
