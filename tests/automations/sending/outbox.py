"""Rows of endpoints and messages for tests, and a sender that runs in a thread."""

import asyncio
import json
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import psycopg
from cryptography.fernet import Fernet

from automations.metrics import AutomationsMetrics
from automations.secrets import Keyring, new_secret
from automations.sending.clock import Clock
from automations.sending.guard import Guard
from automations.sending.sender import Limits, Sender
from automations.sending.way import Way
from tests.receiver.running import wait_until

KEYRING = Keyring((Fernet(Fernet.generate_key()),))


@dataclass
class Outbox:
    """The tables, and the clock of the sender."""

    database_url: str
    connection: "psycopg.Connection[Any]"
    clock: Clock
    secrets: dict[str, str] = field(default_factory=dict)

    def add_endpoint(self, url: str, **columns: Any) -> str:
        """Add an endpoint and return its id."""
        endpoint_id = f"ep_{uuid4().hex[:12]}"
        values = {"id": endpoint_id, "name": endpoint_id, "url": url, **columns}
        names = psycopg.sql.SQL(", ").join(map(psycopg.sql.Identifier, values))
        marks = psycopg.sql.SQL(", ").join(psycopg.sql.Placeholder() for _ in values)
        self.connection.execute(
            psycopg.sql.SQL("INSERT INTO rollcall.endpoints ({}) VALUES ({})").format(names, marks),
            list(values.values()),
        )
        self.secrets[endpoint_id] = new_secret()
        self.add_secret(endpoint_id, self.secrets[endpoint_id])
        return endpoint_id

    def add_secret(self, endpoint_id: str, secret: str, expires_in: timedelta | None = None) -> None:
        self.connection.execute(
            "INSERT INTO rollcall.endpoint_secrets (id, endpoint_id, secret, expires_at) "
            "VALUES (%s, %s, %s, now() + %s)",
            [uuid4(), endpoint_id, KEYRING.encrypt(secret), expires_in],
        )

    def put(
        self,
        *endpoints: str,
        type_: str = "session.started",
        session_id: str | None = None,
        data: Mapping[str, Any] | None = None,
        status: str = "pending",
        reason: str | None = None,
        next_attempt: str = "now()",
    ) -> str:
        """Write a message for endpoints, as the announcer does, and return its id."""
        message_id = f"msg_{uuid4()}"
        happened = datetime.now(UTC)
        body = {"type": type_, "timestamp": happened.isoformat(), "data": data or {"session": {"id": session_id}}}
        with self.connection.transaction():
            self.connection.execute(
                "INSERT INTO rollcall.messages (id, type, occurred_at, session_id, body) VALUES (%s, %s, %s, %s, %s)",
                [message_id, type_, happened, session_id, json.dumps(body)],
            )
            for endpoint_id in endpoints:
                self.connection.execute(
                    "INSERT INTO rollcall.message_deliveries (message_id, endpoint_id, position, session_id, status, "
                    "reason, next_attempt_at) SELECT id, %s, position, session_id, %s, %s, "
                    f"CASE WHEN %s THEN {next_attempt} END FROM rollcall.messages WHERE id = %s",
                    [endpoint_id, status, reason, status == "pending", message_id],
                )
            self.wake()
        return message_id

    def wake(self) -> None:
        self.connection.execute("NOTIFY rollcall_messages")

    def move(self, length: timedelta) -> None:
        """Set the sender's clock ahead, and wake it."""
        self.clock.ahead += length
        self.wake()

    def delivery(self, message_id: str, endpoint_id: str | None = None) -> dict[str, Any]:
        """Return a row of `message_deliveries`."""
        cursor = self.connection.cursor(row_factory=psycopg.rows.dict_row)
        cursor.execute(
            "SELECT *, next_attempt_at - clock_timestamp() AS due_in FROM rollcall.message_deliveries "
            "WHERE message_id = %s AND (%s::text IS NULL OR endpoint_id = %s) AND next_attempt_at IS DISTINCT FROM "
            "'infinity'",
            [message_id, endpoint_id, endpoint_id],
        )
        [row] = cursor.fetchall()
        return row

    def statuses(self, message_ids: Sequence[str]) -> list[str]:
        rows = dict(
            self.connection.execute(
                "SELECT message_id, status FROM rollcall.message_deliveries WHERE message_id = ANY(%s)",
                [list(message_ids)],
            ).fetchall()
        )
        return [rows[one] for one in message_ids]

    def wait_for_status(self, status: str, *message_ids: str) -> None:
        wait_until(lambda: set(self.statuses(message_ids)) == {status}, f"{len(message_ids)} messages are {status}")

    def attempts(self, message_id: str) -> list[dict[str, Any]]:
        """Return the rows of `attempts`, in their order."""
        cursor = self.connection.cursor(row_factory=psycopg.rows.dict_row)
        return cursor.execute(
            "SELECT * FROM rollcall.attempts WHERE message_id = %s ORDER BY number", [message_id]
        ).fetchall()

    def wait_for_attempts(self, message_id: str, count: int) -> list[dict[str, Any]]:
        wait_until(lambda: len(self.attempts(message_id)) >= count, f"{message_id} has {count} attempts")
        return self.attempts(message_id)

    def state(self, endpoint_id: str) -> dict[str, Any]:
        cursor = self.connection.cursor(row_factory=psycopg.rows.dict_row)
        cursor.execute("SELECT * FROM rollcall.endpoint_states WHERE endpoint_id = %s", [endpoint_id])
        [row] = cursor.fetchall()
        return row

    def endpoint_status(self, endpoint_id: str) -> str:
        [(status,)] = self.connection.execute("SELECT status FROM rollcall.endpoints WHERE id = %s", [endpoint_id])
        return str(status)

    @contextmanager
    def sending(
        self, way: Way | None = None, keyring: Keyring = KEYRING, **limits: Any
    ) -> Iterator[AutomationsMetrics]:
        """Send from a thread until the block ends; unless said otherwise, to this machine too."""
        metrics = AutomationsMetrics()
        sender = Sender(
            self.database_url,
            keyring,
            way or Way(Guard(loopback=True)),
            metrics,
            self.clock,
            Limits(**{"count": 0.5, **limits}),
        )
        stopping = threading.Event()
        failed: list[BaseException] = []

        async def run() -> None:
            stop = asyncio.Event()
            loop = asyncio.get_running_loop()
            threading.Thread(target=lambda: (stopping.wait(), loop.call_soon_threadsafe(stop.set)), daemon=True).start()
            await sender.run(stop)

        def target() -> None:
            try:
                asyncio.run(run())
            except BaseException as error:  # noqa: BLE001 - shown below
                failed.append(error)

        thread = threading.Thread(target=target, name="sender")
        thread.start()
        try:
            yield metrics
        finally:
            stopping.set()
            thread.join(30)
        assert not thread.is_alive()
        assert not failed, failed


@contextmanager
def open_outbox(database_url: str) -> Iterator[Outbox]:
    """Open the tables of a database; chance adds and takes nothing in its retries."""
    with psycopg.connect(database_url, autocommit=True) as connection:
        yield Outbox(database_url, connection, Clock(chance=lambda: 0.5))
