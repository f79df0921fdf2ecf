"""`rollcall backfill` as people run it: with workers beside it, twice, dry, for one session, and with nothing set."""

import random
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import psycopg

from tests.console.conftest import Rollcall, folder, rollcall  # noqa: F401 - fixtures
from tests.processes import ROOT, free_port
from tests.vendor_api.fake_vendor import FakeVendor
from tests.vendor_api.world import made_up

PACE = {"VENDOR_CALLS_PER_SECOND": "1000"}


@contextmanager
def a_worker(url: str) -> Iterator[None]:
    environment = {"DATABASE_URL": url, "METRICS_PORT": str(free_port())}
    worker = subprocess.Popen([sys.executable, "-m", "workers"], cwd=ROOT, env=environment, stderr=subprocess.DEVNULL)
    try:
        yield
    finally:
        worker.terminate()
        assert worker.wait(30) == 0


def test_it_fills_what_was_lost_and_the_second_run_adds_nothing(rollcall: Rollcall, database_url: str) -> None:  # noqa: F811 - the fixture
    world = made_up(random.Random(1), 5)
    with FakeVendor(world) as vendor, a_worker(database_url):
        environment = vendor.environment() | PACE | {"DATABASE_URL": database_url}
        dry = rollcall("backfill", "--since", "2026-03-01", "--dry-run", **environment)
        assert dry.returncode == 0, dry.stderr
        assert "5 sessions, of which 5 would be asked about" in dry.stdout
        first = rollcall("backfill", "--since", "2026-03-01", **environment)
        assert first.returncode == 0, first.stderr
        assert "From the API alone: 5 sessions, 5 starts, 5 ends" in first.stdout
        second = rollcall("backfill", "--since", "2026-03-01", **environment)
        assert second.stdout.startswith("Nothing to fill in")
        one = rollcall("backfill", "--session", world.sessions[0].id, **environment)
        assert one.stdout.startswith("Asked about 1 of 1 sessions.")
    with psycopg.connect(database_url) as connection:
        assert connection.execute("SELECT count(*) FROM rollcall.sessions").fetchone() == (5,)


def test_without_credentials_it_says_which_variables_to_set(rollcall: Rollcall, database_url: str) -> None:  # noqa: F811 - the fixture
    done = rollcall("backfill", "--since", "2d", DATABASE_URL=database_url)
    assert (done.returncode, done.stdout) == (1, "")
    assert "DYTE_API_KEY" in done.stderr


def test_an_unknown_session_and_refused_credentials_are_one_line_each(rollcall: Rollcall, database_url: str) -> None:  # noqa: F811 - the fixture
    with FakeVendor() as vendor:
        environment = vendor.environment(realtimekit=False) | PACE | {"DATABASE_URL": database_url}
        unknown = rollcall("backfill", "--session", "no-such-session", **environment)
        vendor.refused[next(iter(vendor.dyte))] = 401
        refused = rollcall("backfill", "--since", "2d", **environment)
    assert (unknown.returncode, unknown.stderr.count("\n")) == (1, 1)
    assert "knows no session" in unknown.stderr
    assert (refused.returncode, refused.stderr.count("\n")) == (1, 1)
    assert "DYTE_API_KEY" in refused.stderr


def test_it_takes_either_a_time_or_a_session(rollcall: Rollcall) -> None:  # noqa: F811 - the fixture
    assert rollcall("backfill").returncode == 2
    assert rollcall("backfill", "--since", "2d", "--session", "s").returncode == 2
