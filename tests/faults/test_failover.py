"""A primary dies and its standby takes over: with both in one URL nothing that was acknowledged is lost."""

import os
import signal
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import NamedTuple

import psycopg
import pytest

from benchmarks.chaos.standby import REPLICATED, copy_server, promote, url_of_both, wait_for_standby
from console.embedded.server import EmbeddedPostgres
from migrations.apply import migrate_database
from tests.processes import System, run_system
from tests.workers.queue.deliveries import wait_until
from tests.workers.running.refusing import started

SETTINGS = {"fsync": "off", "shared_buffers": "64MB", **REPLICATED}


class Pair(NamedTuple):
    """A primary, its synchronous standby, and a URL that names both."""

    primary: EmbeddedPostgres
    standby: EmbeddedPostgres
    url: str


@pytest.fixture
def pair(reachable_folder: Path) -> Iterator[Pair]:
    """Two servers; a commit on the primary is answered once the standby has it."""
    primary = EmbeddedPostgres(reachable_folder / "one", SETTINGS)
    standby = EmbeddedPostgres(reachable_folder / "two", SETTINGS)
    with ExitStack() as ending:
        primary.start()
        ending.callback(primary.stop)
        copy_server(primary, reachable_folder / "two")
        standby.start()
        ending.callback(standby.stop)
        wait_for_standby(primary)
        # The standby first: it must be passed over while it is one.
        yield Pair(primary, standby, url_of_both(standby, primary))


def test_a_failover_loses_nothing_and_receiver_worker_migrate_and_export_find_the_new_primary(
    tmp_path: Path, pair: Pair
) -> None:
    migrate_database(pair.url)
    accepted: set[str] = set()

    def post(system: System, number: int) -> None:
        session = f"s-{number:04}"
        if system.post(started(session).body, "dyte", f"uuid-{number}").status == 200:
            accepted.add(session)

    with run_system(tmp_path, pair.url) as system:
        for number in range(100):
            post(system, number)
        assert len(accepted) == 100
        # Before the worker has got through.
        os.kill(pair.primary.pid, signal.SIGKILL)
        for number in range(100, 130):
            post(system, number)
        promote(pair.standby)
        for number in range(130, 160):
            post(system, number)
        assert len(accepted) == 160
        with psycopg.connect(pair.url, autocommit=True) as connection:

            def all_are_there() -> bool:
                there = {row[0] for row in connection.execute("SELECT id FROM rollcall.sessions")}
                return there == accepted

            wait_until(all_are_there, 120)
            ledger = connection.execute("SELECT count(*), count(DISTINCT session_id) FROM rollcall.deliveries")
            assert ledger.fetchone() == (160, 160)
        assert "s-0159" in system.rollcall("export", "sessions")
        assert "up to date" in system.rollcall("migrate")
        assert "Replayed 160 deliveries" in system.rollcall("replay", "--all")
