"""The deliveries that a replay is to replay, kept on this side: what is chosen must not change as their status does.

Not in a temporary table: behind a pooler the next transaction may be on another session, and not every role has the
right to make one. In memory, or, if they are many, in a file that SQLite makes and removes.
"""

import sqlite3
from collections.abc import Iterable, Sequence
from typing import Self
from uuid import UUID


class Chosen:
    """Ids of deliveries, by the session that each names."""

    def __init__(self) -> None:
        self._rows = sqlite3.connect("", isolation_level=None)
        self._rows.execute("CREATE TABLE chosen (session_id TEXT NOT NULL, id BLOB NOT NULL)")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._rows.close()

    def add(self, rows: Iterable[tuple[UUID, str | None]]) -> None:
        """Add ids with their sessions; call `ready` after the last."""
        values = ((session_id or "", id_.bytes) for id_, session_id in rows)
        self._rows.executemany("INSERT INTO chosen VALUES (?, ?)", values)

    def ready(self) -> int:
        """Make them ready to be looked up, and return how many there are."""
        self._rows.execute("CREATE INDEX by_session ON chosen (session_id, id)")
        [(count,)] = self._rows.execute("SELECT count(*) FROM chosen")
        return int(count)

    def sessions(self, after: str, most: int) -> list[str]:
        """Return the first sessions behind `after`, in their order."""
        rows = self._rows.execute(
            "SELECT DISTINCT session_id FROM chosen WHERE session_id > ? ORDER BY session_id LIMIT ?", (after, most)
        )
        return [session_id for (session_id,) in rows]

    def of_sessions(self, session_ids: Sequence[str]) -> list[UUID]:
        """Return the ids of all that name one of these sessions."""
        return [
            UUID(bytes=id_)
            for session_id in session_ids
            for (id_,) in self._rows.execute("SELECT id FROM chosen WHERE session_id = ?", (session_id,))
        ]

    def without_session(self, after: UUID, most: int) -> list[UUID]:
        """Return the first ids behind `after` of those that name no session, in their order."""
        rows = self._rows.execute(
            "SELECT id FROM chosen WHERE session_id = '' AND id > ? ORDER BY id LIMIT ?", (after.bytes, most)
        )
        return [UUID(bytes=id_) for (id_,) in rows]
