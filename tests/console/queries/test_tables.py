"""What the looking commands say when the database is not as they need it."""

import socket
import subprocess

import psycopg
import pytest

from tests.console.conftest import ROLLCALL, Rollcall

LOOKING = [("sessions",), ("timeline", "abc"), ("deliveries",)]


@pytest.mark.parametrize("command", LOOKING)
def test_a_stopped_database_is_one_line_without_the_password(rollcall: Rollcall, command: tuple[str, ...]) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # taken, but nobody listens
        port = taken.getsockname()[1]
        done = rollcall(*command, DATABASE_URL=f"postgres://u:geheim@127.0.0.1:{port}/x")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("The database does not answer: ")
    assert "geheim" not in done.stderr
    assert done.stderr.count("\n") == 1


@pytest.mark.parametrize("url", ["mysql://u:geheim@h/x", "postgresql://u:geheim@h/x?nonsense=geheim"])
def test_a_wrong_url_is_one_line_without_the_password(rollcall: Rollcall, url: str) -> None:
    done = rollcall("sessions", DATABASE_URL=url)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("DATABASE_URL takes ")
    assert "geheim" not in done.stderr


def test_without_any_database_it_says_how_to_start_one(rollcall: Rollcall) -> None:
    done = rollcall("sessions")
    assert done.returncode == 2
    assert "make run" in done.stderr


@pytest.mark.parametrize("command", LOOKING)
def test_a_database_without_the_tables_is_told_to_be_migrated(
    rollcall: Rollcall, database_url: str, command: tuple[str, ...]
) -> None:
    with psycopg.connect(database_url) as connection:
        connection.execute("DROP SCHEMA rollcall CASCADE")
    done = rollcall(*command, DATABASE_URL=database_url)
    assert (done.returncode, done.stdout) == (1, "")
    assert "rollcall migrate" in done.stderr
    assert done.stderr.count("\n") == 1


def test_a_reader_that_has_enough_ends_it_without_a_traceback(database_url: str) -> None:
    with psycopg.connect(database_url) as connection:
        connection.execute(
            "INSERT INTO rollcall.sessions (id, status, started_at, last_event_at)"
            " SELECT 'session ' || n, 'live', now(), now() FROM generate_series(1, 2000) AS n"
        )
    listing = subprocess.Popen(
        [ROLLCALL, "sessions", "--limit", "2000"],
        env={"DATABASE_URL": database_url},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert listing.stdout is not None
    listing.stdout.readline()
    listing.stdout.close()
    assert listing.stderr is not None
    assert listing.stderr.read() == ""
    listing.stderr.close()
    listing.wait()
