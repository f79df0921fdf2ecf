"""A worker process over a database of a test's own, its log and figures, and triggers that refuse."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg

from tests.operations.scrape import scrape, value
from tests.processes import ROOT, free_port
from tests.workers.queue.deliveries import a_delivery, wait_until
from workers.queue.brokers import open_broker
from workers.queue.delivery import Delivery
from workers.queue.message import group_message


def started(session: str, title: str = "Algebra") -> Delivery:
    meeting = {"id": f"meeting-{session}", "sessionId": session, "title": title}
    return a_delivery(json.dumps({"event": "meeting.started", "meeting": meeting}).encode())


def joined(session: str, peer: str, name: str = "Ana") -> Delivery:
    event = {
        "event": "meeting.participantJoined",
        "meeting": {"id": f"meeting-{session}", "sessionId": session},
        "participant": {"peerId": peer, "userDisplayName": name},
    }
    return a_delivery(json.dumps(event).encode())


class Work:
    """A running worker and its results. `connection` is the owner's, whatever role the worker has."""

    def __init__(self, owner_url: str, metrics_port: int, log: Path) -> None:
        self.connection = psycopg.connect(owner_url, autocommit=True)
        self._owner_url = owner_url
        self._metrics_port = metrics_port
        self._log = log

    def publish(self, *groups: list[Delivery]) -> None:
        broker = open_broker(self._owner_url)
        for group in groups:
            broker.enqueue(group_message(group))
        broker.close()

    def statuses(self) -> dict[str, int]:
        rows = self.connection.execute("SELECT status, count(*) FROM rollcall.deliveries GROUP BY status").fetchall()
        return {str(status): int(count) for status, count in rows}

    def is_queue_empty(self) -> bool:
        return self.connection.execute("SELECT 1 FROM rollcall_queue.queue").fetchone() is None

    def wait_for(self, **statuses: int) -> None:
        """Return once the ledger holds exactly so many of each status and the queue is empty."""
        wait_until(lambda: self.statuses() == statuses and self.is_queue_empty())

    def figure(self, name: str, **labels: str) -> float:
        return value(scrape(self._metrics_port), name, **labels) or 0.0

    def log(self) -> str:
        return self._log.read_text()

    def logged(self, event: str) -> list[dict[str, Any]]:
        # The last line may be half written.
        lines = [json.loads(line) for line in self.log().splitlines(keepends=True) if line.endswith("\n")]
        return [line for line in lines if line["event"] == event]

    def refuse(
        self, table: str, when: str = "true", code: str = "P0001", says: str = "'not today'", *, deferred: bool = False
    ) -> None:
        """Have the server refuse rows of a table; `says` is an expression of SQL; `deferred`: at the commit."""
        time, kind, at = ("AFTER", "CONSTRAINT ", "DEFERRABLE INITIALLY DEFERRED") if deferred else ("BEFORE", "", "")
        self.connection.execute(
            f"""
            CREATE OR REPLACE FUNCTION public.refuse() RETURNS trigger LANGUAGE plpgsql AS $$
            BEGIN
                IF {when} THEN RAISE EXCEPTION USING MESSAGE = {says}, ERRCODE = '{code}'; END IF;
                RETURN NEW;
            END $$;
            CREATE {kind}TRIGGER refuse {time} INSERT OR UPDATE ON rollcall.{table} {at}
                FOR EACH ROW EXECUTE FUNCTION public.refuse()
            """.encode()
        )

    def repair(self, table: str) -> None:
        self.connection.execute(f"DROP TRIGGER refuse ON rollcall.{table}".encode())


@contextmanager
def working(folder: Path, owner_url: str, url: str | None = None) -> Iterator[Work]:
    """Run a worker whose queue and tables are at `url`, which is the owner's unless another is given."""
    metrics_port = free_port()
    work = Work(owner_url, metrics_port + 1, folder / "worker.log")
    environment = {
        "PATH": os.environ["PATH"],
        "PYTHONPATH": str(ROOT),
        "DATABASE_URL": url or owner_url,
        "METRICS_PORT": str(metrics_port),
    }
    with work.connection, (folder / "worker.log").open("wb") as log:
        command = [sys.executable, "-m", "workers", "--threads", "4"]
        worker = subprocess.Popen(command, cwd=folder, env=environment, stdout=log, stderr=log)
        try:
            yield work
        finally:
            worker.terminate()
            assert worker.wait(30) == 0
