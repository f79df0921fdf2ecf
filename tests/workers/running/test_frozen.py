"""A frozen worker's transaction that another worker waits for is ended, behind a pooler too."""

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from console.embedded.server import EmbeddedPostgres
from runtime.connections import connect
from tests.pgbouncer import pgbouncer
from workers.reading.scope import Scope
from workers.running.transactions import Database
from workers.settings import WorkerSettings

LOCK = "LOCK TABLE rollcall.sessions IN ACCESS EXCLUSIVE MODE"


@pytest.fixture(params=["directly", "transaction", "session"])
def url(
    request: pytest.FixtureRequest, embedded_postgres: EmbeddedPostgres, database_url: str, reachable_folder: Path
) -> Iterator[str]:
    """The test's database, directly or through pgbouncer in a mode."""
    if request.param == "directly":
        yield database_url
        return
    with pgbouncer(embedded_postgres, database_url, reachable_folder, request.param) as url:
        yield url


@contextmanager
def frozen_in_a_pipeline(url: str) -> Iterator[None]:
    """A worker that has a lock and falls silent in the middle of a pipeline: no time limit of the server ends it."""
    connection = connect(url, name="rollcall worker", dead_after=3600)
    try:
        transaction = connection.transaction()
        transaction.__enter__()
        pipeline = connection.pipeline()
        pipeline.__enter__()
        connection.execute(LOCK)
        assert connection.execute("SELECT 1").fetchone() == (1,)
        yield
    finally:
        connection.pgconn.finish()


def test_a_transaction_frozen_in_a_pipeline_is_ended_by_the_worker_that_waits_for_it(
    url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("workers.running.frozen._LOOK_INTERVAL", 0.05)
    settings = WorkerSettings(url, url, Scope(), host="", metrics_port=0, dead_after=1.0)
    database = Database(settings, threading.Event())
    with closing(database), ThreadPoolExecutor(1) as pool, frozen_in_a_pipeline(url):
        # The transaction as a worker makes it: if nobody ended the other one, it would wait until that is closed below.
        waiting = pool.submit(database.commit, lambda connection: connection.execute(LOCK).statusmessage)
        assert waiting.result(60) == "LOCK TABLE"
