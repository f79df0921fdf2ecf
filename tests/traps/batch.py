"""A hostile body between two good neighbours: settled in one batch, and what became of all three."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg
from psycopg.rows import dict_row

from workers.queue.delivery import Delivery, Provider, new_delivery_id
from workers.reading.scope import Scope
from workers.settling.settle import settle

Row = dict[str, Any]
NEIGHBOURS = "organization-of-neighbours"
RECEIVED = datetime(2026, 3, 2, 10, tzinfo=UTC)


def delivery(body: bytes, number: int = 0, provider: Provider = Provider.DYTE) -> Delivery:
    """A delivery that was received `number` seconds after ten."""
    received_at = RECEIVED + timedelta(seconds=number)
    return Delivery(new_delivery_id(received_at), received_at, provider, f"uuid-{number}", "webhook-1", body)


def neighbour(number: int) -> bytes:
    """A good body, of another session."""
    meeting = {"id": "neighbours", "sessionId": f"neighbour-{number}", "startedAt": "2026-03-02T09:00:00Z"}
    return json.dumps({"event": "meeting.started", "meeting": meeting | {"organizedBy": {"id": NEIGHBOURS}}}).encode()


class Settled:
    """The tables after batches of hostile bodies among good neighbours."""

    def __init__(self, connection: psycopg.Connection[Any], scope: Scope | None = None) -> None:
        self._connection = connection
        self._scope = scope or Scope()
        self._number = 0

    def among_neighbours(self, *bodies: bytes, provider: Provider = Provider.DYTE) -> list[Row]:
        """Settle bodies in one batch, a good neighbour on either side of each; return their rows of the ledger."""
        hostile, neighbours, batch = [], [], []
        for body in bodies:
            neighbours.append(self._next(neighbour(self._number), provider))
            hostile.append(self._next(body, provider))
            batch += [neighbours[-1], hostile[-1]]
        neighbours.append(self._next(neighbour(self._number), provider))
        batch.append(neighbours[-1])
        with self._connection.transaction():
            settle(self._connection, batch, self._scope)
        rows = {row["id"]: row for row in self.rows("deliveries")}
        assert {rows[one.id]["status"] for one in neighbours} == {"processed"}
        assert {rows[one.id]["session_id"] for one in neighbours} <= {row["id"] for row in self.rows("sessions")}
        assert len(rows) == self._number, "each has its row of the ledger"
        return [rows[one.id] for one in hostile]

    def rows(self, table: str) -> list[Row]:
        """Return the rows of a table, without those of neighbours."""
        cursor = self._connection.cursor(row_factory=dict_row)
        return cursor.execute(f"SELECT * FROM rollcall.{table}".encode()).fetchall()

    def row(self, table: str) -> Row | None:
        """Return the one row of a table that is not a neighbour's; None if there is none."""
        rows = [row for row in self.rows(table) if "neighbour" not in f"{row}"]
        assert len(rows) < 2, rows
        return rows[0] if rows else None

    def _next(self, body: bytes, provider: Provider) -> Delivery:
        self._number += 1
        return delivery(body, self._number, provider)
