"""The clock asks about what has ended, what goes on, and what the vendor lists: once each, one process at a time."""

import os
import random
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from clock.metrics import ClockMetrics
from clock.reconciling import Reconciler, not_asking
from clock.settings import ClockSettings
from runtime.connections import connect
from runtime.session import Session
from tests.processes import ROOT, free_port
from tests.receiver.running import wait_until
from tests.vendor_api.fake_vendor import APP, FakeVendor
from tests.vendor_api.test_observing import work
from tests.vendor_api.world import ORGANIZATION, SessionHeld, World, made_up
from vendor_api.settings import VendorSettings
from workers.queue.message import decode_answers
from workers.reading.scope import Scope
from workers.settling.observe import observe

AGO = timedelta(hours=5)
QUIET = timedelta(seconds=120)
EVERY = timedelta(minutes=15)


@pytest.fixture
def connection(database_url: str) -> Iterator[Session]:
    with connect(database_url, name="test") as connection:
        yield connection


def recent(sessions: int, seed: int = 3) -> World:
    """A world that is over since an hour or two."""
    return made_up(random.Random(seed), sessions, (datetime.now(UTC) - AGO).replace(microsecond=0))


class Desk:
    """One clock's reconciler, and the queue behind it."""

    def __init__(self, url: str, vendor: FakeVendor, *, dyte: bool = True, realtimekit: bool = False) -> None:
        environment = vendor.environment(dyte=dyte, realtimekit=realtimekit) | {"VENDOR_CALLS_PER_SECOND": "1000"}
        self.metrics = ClockMetrics()
        settings = VendorSettings.from_environment(environment)
        self.reconciler = Reconciler(settings, url, url, EVERY, QUIET, self.metrics)
        self.url = url

    def look(self, connection: Session) -> None:
        """Let it look once, and settle what it has put on the queue."""
        self.reconciler.work(connection, threading.Event())
        for (text,) in connection.execute("SELECT message -> 'args' ->> 0 FROM rollcall_queue.queue").fetchall():
            with connection.transaction():
                observe(connection, decode_answers(text), Scope())
        connection.execute("DELETE FROM rollcall_queue.queue")


def lookups(connection: Session) -> dict[str, Any]:
    rows = connection.execute("SELECT session_id, is_found, is_ended, is_complete FROM rollcall.lookups").fetchall()
    return {row[0]: row[1:] for row in rows}


def participants(vendor: FakeVendor) -> list[str]:
    return [call.path.split("/")[2] for call in vendor.calls if call.path.endswith("/participants")]


def test_what_webhooks_told_of_is_asked_about_once_it_has_ended(connection: Session, database_url: str) -> None:
    world = recent(4)
    work(connection, world.deliveries())
    with FakeVendor(world) as vendor:
        at = Desk(database_url, vendor)
        at.look(connection)
        assert lookups(connection) == {one.id: (True, True, True) for one in world.sessions}
        before = len(vendor.calls)
        at.look(connection)
        assert len(vendor.calls) == before
    assert at.metrics.registry.get_sample_value("rollcall_vendor_sessions_asked_total") == 4


def test_what_no_webhook_told_of_is_found_in_the_list(connection: Session, database_url: str) -> None:
    world = recent(5)
    with FakeVendor(world) as vendor:
        Desk(database_url, vendor).look(connection)
    assert set(lookups(connection)) == {one.id for one in world.sessions}
    assert connection.execute("SELECT count(*) FROM rollcall.sessions").fetchone() == (5,)


def test_a_round_with_nothing_new_takes_a_few_calls(connection: Session, database_url: str) -> None:
    with FakeVendor(recent(30)) as vendor:
        at = Desk(database_url, vendor)
        at.look(connection)
        connection.execute("UPDATE rollcall.reconciliations SET done_at = done_at - interval '1 hour'")
        before = len(vendor.calls)
        at.look(connection)
        assert 0 < len(vendor.calls) - before <= 20


def test_nothing_is_asked_about_twice_while_the_workers_are_away(connection: Session, database_url: str) -> None:
    world = recent(25)
    work(connection, world.deliveries())
    with FakeVendor(world) as vendor:
        at = Desk(database_url, vendor)
        for _ in range(3):
            at.reconciler.work(connection, threading.Event())
        assert sorted(participants(vendor)) == sorted(one.id for one in world.sessions)


def test_a_session_that_goes_on_is_asked_about_again_until_it_has_ended(connection: Session, database_url: str) -> None:
    now = datetime.now(UTC).replace(microsecond=0)
    [session] = recent(1).sessions
    live = SessionHeld("s0", "m0", "Lesson", now - timedelta(minutes=40), now + timedelta(hours=1), (), ())
    with FakeVendor(World([live])) as vendor:
        vendor.as_of = now
        at = Desk(database_url, vendor)
        at.look(connection)
        assert lookups(connection) == {"s0": (True, False, True)}
        at.look(connection)
        assert participants(vendor) == ["s0"]
        connection.execute("UPDATE rollcall.lookups SET asked_at = asked_at - interval '16 minutes'")
        vendor.world.sessions = [SessionHeld("s0", "m0", "Lesson", live.started_at, now - timedelta(minutes=1))]
        vendor.as_of = None
        at.look(connection)
        assert lookups(connection) == {"s0": (True, True, True)}
    [(status, source)] = connection.execute("SELECT status, ended_source FROM rollcall.sessions").fetchall()
    assert (status, source) == ("ended", "api")
    del session


def test_a_session_that_the_vendor_does_not_know_is_noted_and_not_asked_about_all_the_time(
    connection: Session, database_url: str
) -> None:
    world = recent(1)
    work(connection, world.deliveries())
    with FakeVendor(World()) as vendor:
        at = Desk(database_url, vendor, realtimekit=True)
        at.look(connection)
        assert lookups(connection) == {"s0": (False, False, True)}
        before = len(vendor.calls)
        at.look(connection)
        assert len(vendor.calls) == before


def test_each_session_is_asked_for_with_the_credentials_that_know_it(connection: Session, database_url: str) -> None:
    world = recent(3)
    work(connection, world.deliveries())
    with FakeVendor(world, organizations={"another": "another"}, apps={APP: ORGANIZATION}) as vendor:
        Desk(database_url, vendor, realtimekit=True).look(connection)
        assert lookups(connection) == {one.id: (True, True, True) for one in world.sessions}
        tried = [call for call in vendor.calls if call.dialect == "dyte" and call.path.startswith("/sessions/s")]
        # An unknown organization is asked for once as each; then it is known.
        assert len({call.path for call in tried}) <= 1


def test_refused_credentials_stop_neither_the_process_nor_the_others(
    connection: Session, database_url: str, capsys: pytest.CaptureFixture[str]
) -> None:
    world = recent(3)
    with FakeVendor(world, organizations={"refused": "refused"}) as vendor:
        vendor.refused["refused"] = 401
        at = Desk(database_url, vendor, realtimekit=True)
        at.look(connection)
        assert set(lookups(connection)) == {one.id for one in world.sessions}
        refusals = at.metrics.registry.get_sample_value("rollcall_vendor_failures_total", {"reason": "refused"})
        assert refusals == 1
        before = len(vendor.calls)
        at.look(connection)
        assert [call for call in vendor.calls[before:] if call.dialect == "dyte"] == []
    [(error,)] = connection.execute("SELECT error FROM rollcall.reconciliations").fetchall()
    assert "DYTE_API_KEY" in error
    assert "nobody-may-see" not in error + capsys.readouterr().out


def test_one_process_asks_at_a_time_and_another_takes_over(connection: Session, database_url: str) -> None:
    with FakeVendor(recent(2)) as vendor:
        Desk(database_url, vendor).look(connection)
        connection.execute("UPDATE rollcall.reconciliations SET done_at = done_at - interval '1 hour'")
        before = len(vendor.calls)
        other = Desk(database_url, vendor)
        other.look(connection)
        assert len(vendor.calls) == before
        connection.execute("UPDATE rollcall.reconciliations SET held_until = now() - interval '1 second'")
        other.look(connection)
        assert len(vendor.calls) > before


def test_a_clock_without_credentials_says_that_nobody_asks(connection: Session) -> None:
    connection.execute("INSERT INTO rollcall.reconciliations (name, seen_at) VALUES ('reconcile', now())")
    not_asking().work(connection, threading.Event())
    assert connection.execute("SELECT count(*) FROM rollcall.reconciliations").fetchone() == (0,)


def test_the_settings_say_who_asks() -> None:
    settings = ClockSettings.from_environment({"DATABASE_URL": "postgresql://h/d", "RECONCILE_EVERY": "0"})
    assert (settings.vendor.credentials, settings.reconcile_every) == ((), timedelta(0))


@contextmanager
def process(name: str, environment: dict[str, str]) -> Iterator["subprocess.Popen[bytes]"]:
    """A process of ours; what still runs in the end has to end well."""
    started = subprocess.Popen([sys.executable, "-m", name], cwd=ROOT, env=environment, stderr=subprocess.DEVNULL)
    try:
        yield started
    finally:
        if started.poll() is None:
            started.terminate()
            assert started.wait(30) == 0


def surroundings(url: str, vendor: FakeVendor, pace: str) -> dict[str, str]:
    environment = {**os.environ, **vendor.environment(), "DATABASE_URL": url}
    return environment | {"VENDOR_CALLS_PER_SECOND": pace, "METRICS_PORT": str(free_port())}


def test_processes_fill_what_webhooks_lost(database_url: str, connection: Session) -> None:
    world = recent(6)
    work(connection, [one for one in world.deliveries() if b"participantLeft" not in one.body])
    with FakeVendor(world) as vendor:
        environment = surroundings(database_url, vendor, "1000")
        with process("workers", environment), process("clock", environment):
            wait_until(
                lambda: len(lookups(connection)) == 6 and all(row[2] for row in lookups(connection).values()), "all"
            )
    sources = connection.execute("SELECT DISTINCT left_source FROM rollcall.participants").fetchall()
    assert sources == [("api",)]


def test_a_clock_that_is_killed_costs_no_more_than_the_session_it_was_at(
    database_url: str, connection: Session
) -> None:
    world = recent(12)
    with FakeVendor(world) as vendor:
        slow, quick = (surroundings(database_url, vendor, pace) for pace in ("10", "1000"))
        with process("workers", quick):
            with process("clock", slow) as clock:
                wait_until(lambda: len(lookups(connection)) >= 4, "some sessions are asked about")
                clock.kill()
                clock.wait()
            connection.execute("UPDATE rollcall.reconciliations SET held_until = now()")
            with process("clock", quick):
                wait_until(lambda: len(lookups(connection)) == 12, "all sessions are asked about")
        asked = participants(vendor)
    assert len(set(asked)) == 12
    assert len(asked) <= 12 + 2
