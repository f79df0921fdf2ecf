"""The ids of the deliveries to replay, kept by the client: the choice must not change as the statuses do.

Not in a temporary table: behind a pooler the next transaction may run in another session, and not every role may create
one. They are kept in memory or, if there are many, in an unnamed file that disappears with this process.
"""

import sqlite3
import tempfile
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Self
from uuid import UUID

# The table is its own index by session: to create one later, SQLite would sort in a temporary file elsewhere.
_PREPARE = """
PRAGMA journal_mode = OFF;
PRAGMA synchronous = OFF;
PRAGMA temp_store = MEMORY;
BEGIN EXCLUSIVE;
CREATE TABLE chosen (session_id TEXT NOT NULL, id BLOB NOT NULL, PRIMARY KEY (session_id, id)) WITHOUT ROWID;
"""


class Chosen:
    """Ids of deliveries, by the session that each names."""

    def __init__(self, folder: Path | None = None) -> None:
        """Keep them in a file in `folder`; in memory if it is None.

        Raises:
            OSError: no file can be created there.
        """
        self._rows = sqlite3.connect(":memory:", isolation_level=None) if folder is None else _nameless_file(folder)
        # One transaction throughout: what fits in SQLite's cache is never written to disk.
        self._rows.executescript(_PREPARE)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._rows.close()

    def add(self, rows: Iterable[tuple[UUID, str | None]]) -> None:
        """Add ids with their sessions, each id once."""
        values = ((session_id or "", id_.bytes) for id_, session_id in rows)
        self._rows.executemany("INSERT INTO chosen VALUES (?, ?)", values)

    def count(self) -> int:
        """Return how many there are."""
        [(count,)] = self._rows.execute("SELECT count(*) FROM chosen")
        return int(count)

    def sessions(self, after: str, most: int) -> list[str]:
        """Return the first sessions after `after`, in order."""
        rows = self._rows.execute(
            "SELECT DISTINCT session_id FROM chosen WHERE session_id > ? ORDER BY session_id LIMIT ?", (after, most)
        )
        return [session_id for (session_id,) in rows]

    def of_sessions(self, session_ids: Sequence[str]) -> list[UUID]:
        """Return the ids of all deliveries that name one of these sessions."""
        return [
            UUID(bytes=id_)
            for session_id in session_ids
            for (id_,) in self._rows.execute("SELECT id FROM chosen WHERE session_id = ?", (session_id,))
        ]

    def without_session(self, after: UUID, most: int) -> list[UUID]:
        """Return the first ids after `after` of deliveries that name no session, in order."""
        rows = self._rows.execute(
            "SELECT id FROM chosen WHERE session_id = '' AND id > ? ORDER BY id LIMIT ?", (after.bytes, most)
        )
        return [UUID(bytes=id_) for (id_,) in rows]


def _nameless_file(folder: Path) -> sqlite3.Connection:
    """Open a private file and remove its name at once: nothing is left behind, however this process ends."""
    with tempfile.NamedTemporaryFile(dir=folder, prefix="replay-") as file:
        rows = sqlite3.connect(file.name, isolation_level=None)
        try:
            rows.execute("PRAGMA schema_version")  # SQLite opens the file at the first read
        except sqlite3.Error:
            rows.close()
            raise
    return rows
