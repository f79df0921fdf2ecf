"""The worker's connection to its tables."""

import threading
from typing import Any

import psycopg
import pytest

from runtime.connections import connect
from tests.queues import proxy_of, through
from workers.reading.scope import Scope
from workers.running import transactions as module
from workers.running.transactions import Database
from workers.settings import WorkerSettings


def test_a_server_that_falls_silent_just_after_it_let_the_worker_in_costs_only_time(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    connections: list[psycopg.Connection[Any]] = []
    with proxy_of(database_url) as proxy:

        def connect_and_fall_silent(*arguments: Any, **options: Any) -> psycopg.Connection[Any]:
            proxy.thaw()
            connections.append(connect(*arguments, **options))
            if len(connections) == 1:
                proxy.freeze()
            return connections[-1]

        monkeypatch.setattr(module, "connect", connect_and_fall_silent)
        monkeypatch.setattr(module, "_FIRST_DEADLINE", 0.5)
        url = through(proxy, database_url)
        database = Database(WorkerSettings(url, url, Scope(), host="", metrics_port=0), threading.Event())
        assert database.commit(lambda connection: connection.execute("SELECT 1").fetchone()) == (1,)
        database.close()
    assert len(connections) == 2
