"""The stage for `sending`: a database, an endpoint that answers at once, and `automations`, each a process."""

import http.client
import json
import sys
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psycopg
from cryptography.fernet import Fernet

from automations.secrets import Keyring, new_secret
from benchmarks.ground import Ground
from benchmarks.processes import Processes, free_port, processes

IN_FLIGHT = 32
_DEADLINE = 600.0

_DATA = {"session": {"id": "s", "title": "Algebra, group 7", "status": "ended"}, "padding": "x" * 700}
BODY = json.dumps({"type": "session.started", "timestamp": "2026-03-02T09:52:31.030000Z", "data": _DATA})
_PUT = """
WITH made AS (
    INSERT INTO rollcall.messages (id, type, occurred_at, body)
    SELECT 'msg_' || gen_random_uuid(), 'session.started', now(), %(body)s::jsonb FROM generate_series(1, %(count)s)
    RETURNING id, position
)
INSERT INTO rollcall.message_deliveries (message_id, endpoint_id, position, status, next_attempt_at)
SELECT made.id, endpoint.id, made.position, 'pending', now() FROM made CROSS JOIN rollcall.endpoints AS endpoint
"""


class FastEndpoint:
    """The fast endpoint, as a process."""

    def __init__(self, started: Processes) -> None:
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        started.start("endpoint", [sys.executable, "-m", "benchmarks.fast_endpoint", str(self.port)])

    def ask(self, path: str) -> str:
        """Return the answer to a GET, once the process listens."""
        deadline = time.monotonic() + 20
        while True:
            connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
            try:
                connection.request("GET", path)
                return connection.getresponse().read().decode()
            except OSError:
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.05)
            finally:
                connection.close()

    def wait_for(self, count: int, started: Processes) -> list[tuple[str, str, float]]:
        """Return the notes once there are `count`."""
        deadline = time.monotonic() + _DEADLINE
        while int(self.ask("/count")) < count:
            if time.monotonic() > deadline or not started.are_alive():
                raise TimeoutError(f"{self.ask('/count')} of {count} came:\n{started.complaints()}")
            time.sleep(0.05)
        return self.notes()

    def notes(self) -> list[tuple[str, str, float]]:
        """Return path, `webhook-id` and Unix time of each POST."""
        notes: list[tuple[str, str, float]] = json.loads(self.ask("/times"))
        return notes


class Stage:
    """A database, the endpoint and `automations`.

    Args:
        started: the processes of the run.
        endpoint: one of them.
        connection: to the database; every statement commits.
        keyring: for the secrets of endpoints.
    """

    def __init__(
        self, started: Processes, endpoint: FastEndpoint, connection: psycopg.Connection[Any], keyring: Keyring
    ) -> None:
        self.started, self.endpoint, self.connection = started, endpoint, connection
        self._keyring = keyring

    def add_endpoints(self, *paths: str) -> None:
        """Add endpoints with these ids, names and paths."""
        for path in paths:
            self.connection.execute(
                "INSERT INTO rollcall.endpoints (id, name, url, max_in_flight) VALUES (%s, %s, %s, %s)",
                [path, path, self.endpoint.url + path, IN_FLIGHT],
            )
            self.connection.execute(
                "INSERT INTO rollcall.endpoint_secrets (id, endpoint_id, secret) VALUES (%s, %s, %s)",
                [uuid.uuid4(), path, self._keyring.encrypt(new_secret())],
            )

    def run_automations(self) -> None:
        """Start the process that sends."""
        self.started.start("automations", [sys.executable, "-m", "automations"])

    def put(self, count: int, *, tell: bool = True) -> None:
        """Commit so many messages for each endpoint."""
        self.connection.execute(_PUT, {"body": BODY, "count": count})
        if tell:
            self.tell()

    def tell(self) -> None:
        """Notify the process that there are messages."""
        self.connection.execute("NOTIFY rollcall_messages")

    def send(self, count: int) -> float:
        """Put so many messages and return the seconds for each, from the first POST to the last."""
        self.endpoint.ask("/clear")
        self.put(count)
        at = sorted(moment for *_, moment in self.endpoint.wait_for(count, self.started))
        return (at[-1] - at[0]) / (count - 1)


@contextmanager
def stage(ground: Ground) -> Iterator[Stage]:
    """Provide a stage with a database of its own and no process but the endpoint; all end with the context."""
    key = Fernet.generate_key()
    with ground.database(f"run_{uuid.uuid4().hex[:8]}") as url:
        settings = {"DATABASE_URL": url, "SECRETS_KEY": key.decode(), "AUTOMATIONS_ALLOW": "127.0.0.0/8"}
        with processes(settings) as started, psycopg.connect(url, autocommit=True) as connection:
            yield Stage(started, FastEndpoint(started), connection, Keyring((Fernet(key),)))
