"""Known rows, written directly to the tables, and the views' results."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any, LiteralString

import psycopg
import pytest
from psycopg import sql
from psycopg.rows import DictRow, dict_row

NINE = datetime(2026, 3, 2, 9, tzinfo=UTC)


class Rows:
    """The tables as a test fills them, and what the views say then. Minutes are those after nine o'clock."""

    def __init__(self, connection: psycopg.Connection[DictRow]) -> None:
        self.connection = connection

    def session(
        self, session_id: str = "lesson", begin: datetime | None = NINE, end: datetime | None = None, **columns: Any
    ) -> None:
        """Add a session; without `end` it is live and its last event is its start."""
        row = {
            "id": session_id,
            "organization_id": "academy",
            "status": "live" if end is None else "ended",
            "started_at": begin,
            "ended_at": end,
            "last_event_at": end or begin or NINE,
            **columns,
        }
        # What the columns above are made of.
        stated = {"stated_started_at": row["started_at"], "stated_ended_at": row["ended_at"]}
        sources = {
            "started_source": None if row["started_at"] is None else "event",
            "ended_source": None if row["ended_at"] is None else "event",
        }
        self._insert("sessions", {"last_received_at": row["last_event_at"], **stated, **sources, **row})

    def connection_of(self, person: str | None, begin: datetime | None, end: datetime | None, **columns: Any) -> None:
        """Add a connection of a person, to the session `lesson` unless `session_id` says otherwise."""
        row = {
            "session_id": "lesson",
            "peer_id": f"peer-{self._number('participants')}",
            "custom_participant_id": person,
            "joined_at": begin,
            "stated_joined_at": begin,
            "joined_source": None if begin is None else "event",
            "left_at": end,
            "left_source": None if end is None else "event",
            **columns,
        }
        self._insert("participants", {"last_left_at": end if row["left_source"] == "event" else None, **row})

    def recording(self, **columns: Any) -> None:
        """Add a recording of the session `lesson`."""
        self._insert("recordings", {"id": f"recording-{self._number('recordings')}", "session_id": "lesson", **columns})

    def ask(self, query: LiteralString, **values: Any) -> list[dict[str, Any]]:
        """Return a query's rows, times in UTC."""
        return self.connection.execute(query, values).fetchall()

    def one(self, query: LiteralString, **values: Any) -> dict[str, Any]:
        """Return the only row of a query."""
        (row,) = self.ask(query, **values)
        return row

    def _number(self, table: LiteralString) -> int:
        return int(self.one("SELECT count(*) AS number FROM rollcall." + table)["number"])

    def _insert(self, table: str, row: dict[str, Any]) -> None:
        self.connection.execute(
            sql.SQL("INSERT INTO rollcall.{} ({}) VALUES ({})").format(
                sql.Identifier(table),
                sql.SQL(", ").join(map(sql.Identifier, row)),
                sql.SQL(", ").join(map(sql.Placeholder, row)),
            ),
            row,
        )


@pytest.fixture
def rows(database_url: str) -> Iterator[Rows]:
    """The tables, empty. Everything happens in one transaction, so now() stands still."""
    with psycopg.connect(database_url, row_factory=dict_row) as connection:
        connection.execute("SET TIME ZONE 'UTC'")
        yield Rows(connection)
        connection.rollback()


@pytest.fixture
def now(rows: Rows) -> datetime:
    """What now() says in the views."""
    return datetime.fromisoformat(str(rows.one("SELECT now()::text AS now")["now"]))


@pytest.fixture
def minute() -> Callable[[float], datetime]:
    """The time some minutes after nine o'clock, UTC, on Monday 2 March 2026."""
    return lambda minutes: NINE + timedelta(minutes=minutes)
