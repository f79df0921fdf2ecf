"""Which messages go, and when; by the process that removes them."""

import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import psycopg
import pytest

from clock.cleaning import cleaning
from clock.job import Job
from clock.metrics import ClockMetrics
from clock.process import Clock
from runtime.connections import connect
from tests.console.commands.messages import RING, attempt, endpoint
from tests.operations.scrape import scrape, value
from tests.processes import ROOT, free_port
from tests.receiver.running import wait_until
from workers.upkeep import messages as upkeep

KEEP = timedelta(days=30)


class Tables:
    """Messages with what has become of them, so many days ago."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.connection = psycopg.connect(url, autocommit=True)
        self.endpoints = [endpoint(url, f"https://example.com/{number}") for number in range(2)]
        self._count = 0

    def message(self, days: float, *became: tuple[str, float], session_id: str | None = None) -> str:
        """Put a message that is so many days old; `became` has a status and days ago for each endpoint."""
        self._count += 1
        id_ = f"msg_{self._count}"
        self.connection.execute(
            "INSERT INTO rollcall.messages (id, type, occurred_at, created_at, session_id, body) "
            "VALUES (%s, 'session.started', now(), now() - %s, %s, '{}')",
            [id_, timedelta(days=days), session_id],
        )
        for endpoint_id, (status, ago) in zip(self.endpoints, became, strict=False):
            self.connection.execute(
                "INSERT INTO rollcall.message_deliveries "
                "(message_id, endpoint_id, position, session_id, status, delivered_at, changed_at) "
                "SELECT id, %(endpoint)s, position, session_id, %(status)s, "
                "CASE WHEN %(status)s = 'delivered' THEN now() - %(ago)s END, now() - %(ago)s "
                "FROM rollcall.messages WHERE id = %(id)s",
                {"endpoint": endpoint_id, "status": status, "ago": timedelta(days=ago), "id": id_},
            )
            attempt(self.url, id_, endpoint_id)
        return id_

    def left(self) -> dict[str, int]:
        """The messages that are left, each with the number of its deliveries; a try goes with its delivery."""
        rows = self.connection.execute(
            "SELECT m.id, (SELECT count(*) FROM rollcall.message_deliveries d WHERE d.message_id = m.id), "
            "(SELECT count(*) FROM rollcall.attempts a WHERE a.message_id = m.id) FROM rollcall.messages m"
        ).fetchall()
        assert all(deliveries == attempts for _, deliveries, attempts in rows)
        return {id_: deliveries for id_, deliveries, _ in rows}

    def count(self, table: str) -> int:
        [(count,)] = self.connection.execute(f"SELECT count(*) FROM rollcall.{table}".encode()).fetchall()
        return int(count)


@pytest.fixture
def tables(database_url: str) -> Iterator[Tables]:
    tables = Tables(database_url)
    yield tables
    tables.connection.close()


def clean(url: str, keep: timedelta = KEEP, metrics: ClockMetrics | None = None) -> None:
    with connect(url, name="test") as connection:
        cleaning(keep, metrics or ClockMetrics()).work(connection, threading.Event())


def test_what_was_delivered_goes_after_messages_keep_and_what_was_not_after_ninety_days(tables: Tables) -> None:
    expected = {
        tables.message(31, ("delivered", 31)): None,
        tables.message(31, ("delivered", 29)): 1,
        tables.message(29, ("delivered", 29)): 1,
        tables.message(31, ("delivered", 31), ("pending", 31)): 1,
        tables.message(31, ("delivered", 31), ("delivered", 31)): None,
        tables.message(89, ("held", 89)): 1,
        tables.message(91, ("held", 91)): None,
        tables.message(91, ("given_up", 89)): 1,
        tables.message(91, ("given_up", 91), ("delivered", 91)): None,
        tables.message(91, ("pending", 91)): 1,
        tables.message(31): None,
        tables.message(1): 0,
    }
    clean(tables.url)
    assert tables.left() == {id_: count for id_, count in expected.items() if count is not None}
    assert tables.count("attempts") == sum(count or 0 for count in expected.values())


def test_what_is_held_is_kept_at_least_as_long_as_what_was_delivered(tables: Tables) -> None:
    kept = tables.message(150, ("delivered", 150), ("held", 150))
    clean(tables.url, timedelta(days=200))
    assert tables.left() == {kept: 2}


def test_of_more_messages_than_fit_into_a_transaction_all_go(tables: Tables, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(upkeep, "_AT_ONCE", 3)
    kept = [tables.message(40, ("held", 40)) for _ in range(4)]
    for _ in range(8):
        tables.message(40, ("delivered", 40), session_id="s1")
    kept += [tables.message(1, ("delivered", 1)) for _ in range(4)]
    metrics = ClockMetrics()
    clean(tables.url, metrics=metrics)
    assert sorted(tables.left()) == sorted(kept)
    assert metrics.registry.get_sample_value("rollcall_clock_messages_removed_total") == 8
    assert metrics.registry.get_sample_value("rollcall_clock_messages_removed_unsent_total") == 0


def test_an_endpoint_that_is_gone_keeps_nothing(tables: Tables) -> None:
    tables.message(31, ("pending", 31))
    tables.connection.execute("DELETE FROM rollcall.endpoints WHERE id = %s", [tables.endpoints[0]])
    clean(tables.url)
    assert tables.left() == {}
    assert tables.count("attempts") == tables.count("message_deliveries") == 0


def test_a_session_that_someone_writes_to_now_is_left_for_the_next_time(tables: Tables) -> None:
    busy = tables.message(31, ("delivered", 31), session_id="busy")
    tables.message(31, ("delivered", 31), session_id="quiet")
    with psycopg.connect(tables.url) as other:
        other.execute("SELECT pg_advisory_xact_lock(hashtextextended('rollcall.telling.session:busy', 0))")
        clean(tables.url)
        assert tables.left() == {busy: 1}
    clean(tables.url)
    assert tables.left() == {}


def test_while_another_process_removes_this_one_does_not_wait(tables: Tables) -> None:
    old = tables.message(31, ("delivered", 31))
    with connect(tables.url, name="other") as other, other.transaction(), other.cursor() as cursor:
        assert upkeep.remove_messages(cursor, timedelta(days=999), timedelta(days=999), 0) is not None
        clean(tables.url)
        assert tables.left() == {old: 1}
    clean(tables.url)
    assert tables.left() == {}


def test_what_was_told_of_a_session_stays_remembered_and_expired_secrets_go(tables: Tables) -> None:
    tables.message(31, ("delivered", 31), session_id="s1")
    tables.connection.execute(
        "INSERT INTO rollcall.tellings (kind, subject, looked_at, changed_at) VALUES ('session', 's1', now(), now())"
    )
    tables.connection.execute(
        "INSERT INTO rollcall.endpoint_secrets (id, endpoint_id, secret, expires_at) "
        "VALUES (gen_random_uuid(), %s, %s, now() - interval '1 minute')",
        [tables.endpoints[0], RING.encrypt("whsec_AAAA")],
    )
    clean(tables.url)
    assert (tables.count("messages"), tables.count("tellings"), tables.count("endpoint_secrets")) == (0, 1, 2)


@contextmanager
def clock(folder: Path, url: str, port: int) -> Iterator["subprocess.Popen[bytes]"]:
    environment = {"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT), "DATABASE_URL": url}
    with (folder / f"clock-{port}.log").open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "clock"],
            cwd=folder,
            env={**environment, "METRICS_PORT": str(port - 2)},
            stdout=log,
            stderr=log,
        )
    try:
        yield process
    finally:
        process.kill()
        process.wait()


def test_two_processes_clean_at_their_start_and_stop_cleanly(tmp_path: Path, tables: Tables) -> None:
    for number in range(20):
        tables.message(31, ("delivered", 31), session_id=f"s{number}")
    ports = free_port() + 2, free_port() + 2
    with clock(tmp_path, tables.url, ports[0]) as first, clock(tmp_path, tables.url, ports[1]) as second:
        name = "rollcall_clock_job_done_timestamp_seconds"
        for port in ports:
            wait_until(lambda port=port: value(scrape(port), name, job="cleaning") is not None, "it is done", 60)  # type: ignore[misc]
        assert tables.left() == {}
        for process in (first, second):
            process.terminate()
        assert [process.wait(20) for process in (first, second)] == [0, 0]
    log = (tmp_path / f"clock-{ports[0]}.log").read_text()
    assert '"clock_started"' in log
    assert '"clock_stopped"' in log


def test_a_wrong_setting_is_a_line(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "clock"],
        cwd=tmp_path,
        env={
            "PATH": os.environ["PATH"],
            "PYTHONPATH": str(ROOT),
            "DATABASE_URL": "postgresql:///x",
            "MESSAGES_KEEP": "x",
        },
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 2
    assert done.stderr.startswith("MESSAGES_KEEP takes")


def test_a_job_that_fails_is_counted_and_tried_again(database_url: str) -> None:
    stopping, tries, metrics = threading.Event(), [], ClockMetrics()

    def work(connection: Any, _: threading.Event) -> None:
        tries.append(1)
        if len(tries) == 1:
            connection.execute("SELECT FROM rollcall.missing")

    running = Clock(database_url, [Job("a", 3600, work)], metrics, stopping, pause=0)
    running.start()
    read = metrics.registry.get_sample_value
    wait_until(lambda: read("rollcall_clock_job_done_timestamp_seconds", {"job": "a"}) is not None, "it is done")
    assert read("rollcall_clock_jobs_failed_total", {"job": "a"}) == 1
    assert running.is_whole()
    stopping.set()
    assert running.stop()
    assert len(tries) == 2


def test_a_job_that_hangs_in_the_database_does_not_hold_up_the_end(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("clock.process._STOP_SECONDS", 0.1)
    stopping, begun = threading.Event(), threading.Event()

    def work(connection: Any, _: threading.Event) -> None:
        begun.set()
        connection.execute("SELECT pg_sleep(600)")

    running = Clock(database_url, [Job("a", 3600, work)], ClockMetrics(), stopping)
    running.start()
    assert begun.wait(20)
    stopping.set()
    wait_until(running.stop, "it has ended")
