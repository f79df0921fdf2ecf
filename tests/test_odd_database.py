"""A database, a role and an environment with unusual settings of every kind: the results are as on a plain one."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from console.checks.database import check_database
from console.checks.finding import Health
from console.embedded.server import EmbeddedPostgres
from migrations.apply import MigrationError, migrate_database
from runtime.connections import connect
from tests.console.conftest import ROLLCALL
from tests.lesson import BEN_NAME, PAYLOADS, SESSION, Posted
from tests.odd_database import ENVIRONMENT, make_odd
from tests.pgbouncer import pgbouncer
from tests.processes import ROOT, run_system
from tests.test_fifteen_payloads import EXPECTATIONS
from tests.workers.queue.deliveries import wait_until

PLAIN = {
    "DateStyle": "ISO, MDY",
    "client_encoding": "UTF8",
    "TimeZone": "UTC",
    "bytea_output": "hex",
    "IntervalStyle": "postgres",
    "standard_conforming_strings": "on",
    "transaction_read_only": "off",
    "transaction_isolation": "read committed",
    "transaction_deferrable": "off",
    "extra_float_digits": "1",
    "array_nulls": "on",
    "transform_null_equals": "off",
    "row_security": "on",
    "plan_cache_mode": "auto",
}


@pytest.fixture
def odd_url(database_url: str) -> str:
    make_odd(database_url)
    return database_url


@pytest.fixture(params=["direct", "pooled"])
def odd_url_both_ways(
    request: pytest.FixtureRequest, embedded_postgres: EmbeddedPostgres, odd_url: str, reachable_folder: Path
) -> Iterator[str]:
    """An odd database, direct and through a pooler in transaction mode."""
    if request.param == "direct":
        yield odd_url
    else:
        with pgbouncer(embedded_postgres, odd_url, reachable_folder) as url:
            yield url


def test_every_connection_has_what_it_relies_on(odd_url_both_ways: str, monkeypatch: pytest.MonkeyPatch) -> None:
    if "@/" in odd_url_both_ways:  # a pooler takes no PGOPTIONS
        for name, value in ENVIRONMENT.items():
            monkeypatch.setenv(name, value)
    with connect(odd_url_both_ways, name="test") as connection:
        for _ in range(2):
            with connection.transaction():
                found = connection.execute(
                    "SELECT name, current_setting(name) FROM unnest(%s::text[]) AS name", [list(PLAIN)]
                ).fetchall()
                assert dict(found) == PLAIN
        with connection.cursor() as cursor:
            one_statement = "SELECT name, current_setting(name), now() FROM unnest(%s::text[]) AS name"
            assert {name: value for name, value, _ in cursor.execute(one_statement, [list(PLAIN)]).fetchall()} == PLAIN
        connection.execute("SELECT pg_advisory_xact_lock(1)")
        connection.execute("CREATE TABLE public.written ()")


def test_what_the_urls_own_options_say_changes_nothing(odd_url: str) -> None:
    options = "options=-cdatestyle%3DSQL%20-cbytea_output%3Descape&client_encoding=LATIN2"
    with connect(f"{odd_url}&{options}", name="test") as connection:
        found = connection.execute("SELECT current_setting('DateStyle'), current_setting('client_encoding')")
        assert found.fetchone() == ("ISO, MDY", "UTF8")


def test_a_server_that_its_operator_has_made_read_only_stays_so(database_url: str) -> None:
    with psycopg.connect(database_url, autocommit=True) as operator:
        operator.execute("SET default_transaction_read_only = off")
        try:
            operator.execute("ALTER SYSTEM SET default_transaction_read_only = on")
            operator.execute("SELECT pg_reload_conf()")

            def is_read_only() -> bool:
                with psycopg.connect(database_url) as anybody:
                    return anybody.execute("SHOW default_transaction_read_only").fetchone() == ("on",)

            wait_until(is_read_only)
            with connect(database_url, name="test") as connection:
                assert connection.execute("SHOW transaction_read_only").fetchone() == ("on",)
        finally:
            operator.execute("ALTER SYSTEM RESET default_transaction_read_only")
            operator.execute("SELECT pg_reload_conf()")


def test_fifteen_payloads_make_the_same_rows_on_an_odd_database(tmp_path: Path, odd_url: str) -> None:
    texts = [file.read_bytes() for file in sorted((PAYLOADS / "dyte").glob("*.json"))]
    with connect(odd_url, name="test") as connection, run_system(tmp_path, odd_url, **ENVIRONMENT) as system:
        for number, body in enumerate(texts, start=1):
            assert system.post(body, "dyte", f"delivery-{number}").status == 200
        system.wait_for(len(texts))
        posted = Posted("dyte", texts, connection)
        for expectation in EXPECTATIONS:
            expectation(posted)
        assert "Replayed 15 deliveries: 15 processed." in system.rollcall("replay", "--all")
        for expectation in EXPECTATIONS:
            expectation(posted)
        assert BEN_NAME in system.rollcall("export", "participants")
        assert "a defect" not in system.rollcall("doctor")


def test_an_odd_database_is_migrated(empty_database_url: str) -> None:
    make_odd(empty_database_url)
    migrate_database(empty_database_url)


@pytest.mark.parametrize("command", [["timeline", SESSION], ["sessions"], ["deliveries"], ["sessions", "--json"]])
def test_commands_print_on_an_ascii_terminal(tmp_path: Path, database_url: str, command: list[str]) -> None:
    with psycopg.connect(database_url) as connection:
        connection.execute(
            "INSERT INTO rollcall.sessions (id, meeting_id, title, status, last_event_at) "
            "VALUES (%s, 'm', '代数 Żółw', 'live', now())",
            [SESSION],
        )
    environment = {
        "PATH": os.environ["PATH"],
        "LC_ALL": "C",
        "PYTHONIOENCODING": "ascii",
        "PYTHONCOERCECLOCALE": "0",
        "PYTHONUTF8": "0",
        "DATABASE_URL": database_url,
        "PYTHONPATH": str(ROOT),
    }
    done = subprocess.run(
        [sys.executable, ROLLCALL, *command], cwd=tmp_path, env=environment, capture_output=True, check=False
    )
    assert (done.returncode, done.stderr) == (0, b"")
    said = done.stdout.decode("ascii")
    if "--json" in command:
        assert json.loads(said)[0]["title"] == "代数 Żółw"


@pytest.mark.parametrize("encoding", ["SQL_ASCII", "LATIN1"])
def test_a_database_that_is_not_utf8_is_refused_by_migrate_and_doctor_in_one_sentence(
    embedded_postgres: EmbeddedPostgres, encoding: str
) -> None:
    name = f"encoded_in_{encoding.lower()}"
    with psycopg.connect(embedded_postgres.url("postgres"), autocommit=True) as connection:
        connection.execute(
            f"CREATE DATABASE {name} TEMPLATE template0 ENCODING '{encoding}' LOCALE 'C' LOCALE_PROVIDER libc".encode()
        )
        url = embedded_postgres.url(name)
        try:
            with pytest.raises(MigrationError, match=f"encoded in {encoding}") as refused:
                migrate_database(url)
            assert "\n" not in str(refused.value)
            [finding] = [one for one in check_database({"DATABASE_URL": url}) if one.part == "database"]
            assert finding.health is Health.BAD
            assert finding.says == str(refused.value)
        finally:
            connection.execute(f"DROP DATABASE {name} WITH (FORCE)".encode())
