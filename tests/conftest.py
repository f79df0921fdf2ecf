"""Shared by all tests: one embedded Postgres, and for each test a database with the tables in it."""

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from itertools import count
from pathlib import Path

import psycopg
import pytest

from console.embedded.server import EmbeddedPostgres
from migrations.apply import migrate_database

# The queues' fixtures, for all folders of tests.
pytest_plugins = ["tests.queues"]

_ROOT = Path(__file__).parents[1]
_TEMPLATE = "template_migrated"
_numbers = count(1)


@pytest.fixture(scope="session")
def embedded_postgres() -> Iterator[EmbeddedPostgres]:
    """A server for this test run. It differs from the real one only in not surviving a power cut."""
    folder = make_reachable_folder()
    server = EmbeddedPostgres(
        folder / "postgres", {"fsync": "off", "full_page_writes": "off", "shared_buffers": "64MB"}
    )
    server.start()
    try:
        yield server
    finally:
        server.stop()
        shutil.rmtree(folder)


@pytest.fixture
def reachable_folder() -> Iterator[Path]:
    """An empty folder that the server's account can access; it can't access pytest's when root runs the tests."""
    folder = make_reachable_folder()
    yield folder
    shutil.rmtree(folder)


def make_reachable_folder() -> Path:
    # A short path, so that sockets fit; and without links in it, as processes report it.
    folder = Path(tempfile.mkdtemp(prefix="rollcall-")).resolve()
    if os.geteuid() == 0:
        folder.chmod(0o711)
    return folder


@pytest.fixture(scope="session")
def migrated_template(embedded_postgres: EmbeddedPostgres) -> str:
    """The name of a database with all migrations applied, to be cloned but never connected to."""
    _execute(embedded_postgres, f"CREATE DATABASE {_TEMPLATE}")
    migrate_database(embedded_postgres.url(_TEMPLATE))
    return _TEMPLATE


@pytest.fixture
def database_url(embedded_postgres: EmbeddedPostgres, migrated_template: str) -> Iterator[str]:
    """The URL of this test's database, with all tables and no rows."""
    yield from _database(embedded_postgres, migrated_template)


@pytest.fixture
def used_database_url(database_url: str) -> str:
    """A database with some complete sessions, and a message in the queue."""
    subprocess.run(
        [
            sys.executable,
            "-m",
            "benchmarks.populate",
            "--database-url",
            database_url,
            "--sessions",
            "40",
            "--days",
            "2",
        ],
        check=True,
        capture_output=True,
        cwd=_ROOT,
    )
    with psycopg.connect(database_url) as connection:
        connection.execute(
            "INSERT INTO rollcall_queue.queue (message_id, queue_name, state, message) "
            "VALUES (gen_random_uuid(), 'rollcall', 'queued', '{}')"
        )
    return database_url


@pytest.fixture
def empty_database_url(embedded_postgres: EmbeddedPostgres) -> Iterator[str]:
    """The URL of this test's database, before any migration."""
    yield from _database(embedded_postgres, "template1")


def _database(server: EmbeddedPostgres, template: str) -> Iterator[str]:
    name = f"test_{next(_numbers)}"
    # Copied as files: without fsync that is faster than through the WAL.
    _execute(server, f"CREATE DATABASE {name} TEMPLATE {template} STRATEGY file_copy")
    yield server.url(name)
    # By force: processes killed by a test may still be connected.
    _execute(server, f"DROP DATABASE {name} WITH (FORCE)")


def _execute(server: EmbeddedPostgres, statement: str) -> None:
    with psycopg.connect(server.url("postgres"), autocommit=True) as connection:
        connection.execute(statement.encode())
