"""One spool file: groups of deliveries in SQLite, on disk before `put` returns, oldest out first."""

import os
import sqlite3
import threading
from collections.abc import Callable, Sequence
from contextlib import closing, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from receiver.refusal import ReceiverError
from runtime.own_files import open_own
from workers.queue.delivery import Delivery
from workers.queue.message import decode_group, encode_group
from workers.queue.unreadable import UnreadableError

# The maximum size of a file in bytes; beyond it groups are refused: a long outage must not fill the disk.
MOST_BYTES = 4 * 2**30
_PAGE_BYTES = 4096  # as set below
# The most groups read at once.
_MOST_GROUPS = 500
# Seconds. Another process that reads the file (a backup, a person) may lock it for a moment.
_BUSY_TIMEOUT = 0.2

# secure_delete: bodies may contain secrets and must be gone once they are in the queue. Full sync: for power failures.
_SET_UP = """
    PRAGMA page_size = 4096;
    PRAGMA auto_vacuum = INCREMENTAL;
    PRAGMA journal_mode = WAL;
    PRAGMA synchronous = FULL;
    PRAGMA secure_delete = ON;
    CREATE TABLE IF NOT EXISTS groups (
        position INTEGER PRIMARY KEY AUTOINCREMENT,
        kept_at TEXT NOT NULL,
        deliveries TEXT NOT NULL,
        is_readable INTEGER NOT NULL DEFAULT 1,
        size INTEGER NOT NULL DEFAULT 1
    );
    UPDATE groups SET is_readable = 1 WHERE is_readable = 0;
    CREATE TABLE IF NOT EXISTS probe (only_row INTEGER PRIMARY KEY, at TEXT NOT NULL);
    PRAGMA wal_checkpoint(TRUNCATE);
"""
# Older files lack the number of deliveries per group. The index covers everything the metrics need.
_ADD_SIZES = "ALTER TABLE groups ADD COLUMN size INTEGER NOT NULL DEFAULT 1"
_INDEX_SIZES = "CREATE INDEX IF NOT EXISTS groups_sizes ON groups (kept_at, size)"


class SpoolError(ReceiverError):
    """The spool could not write or read a group."""


class DamagedSpoolError(SpoolError):
    """The spool's file is not one that SQLite can read."""


@dataclass(frozen=True, slots=True)
class SpooledGroup:
    """A group in the spool.

    Attributes:
        position: its position; later groups have higher ones.
        deliveries: as they were kept.
    """

    position: int
    deliveries: list[Delivery]


class SpoolFile:
    """An open spool file. On a full disk an existing file can still be read.

    Its methods may be called from any thread; each returns once its effect is on disk.

    Attributes:
        path: the file's path.
        identity: distinguishes it from earlier and later files at the same path.
    """

    def __init__(self, path: Path, most_bytes: int = MOST_BYTES) -> None:
        self.path = path
        self._most_bytes = most_bytes
        self._lock = threading.Lock()
        self._unreadable: set[int] = set()
        try:
            # Created here, because SQLite would apply the umask to its permissions.
            descriptor = open_own(path, os.O_CREAT | os.O_RDWR)
            self.identity = (str(path), os.fstat(descriptor).st_ino)
            os.close(descriptor)
        except OSError as error:
            raise SpoolError(f"The spool file {path} can't be opened: {error}.") from None
        self._is_read_only = False
        self._connection = self._open()

    def recover(self) -> None:
        """Reopen a file that was opened read-only: it may be writable now.

        Raises:
            SpoolError: it can't be opened at all.
        """
        with self._lock:
            if self._is_read_only:
                self._connection.close()
                self._connection = self._open()

    def _open(self) -> sqlite3.Connection:
        try:
            connection = self._connect(_SET_UP, self._add_sizes)
        except SpoolError as error:
            if isinstance(error, DamagedSpoolError):
                raise
            # A full disk has no room for SQLite's extra files, but no other process needs them.
            try:
                connection = self._connect("PRAGMA locking_mode = EXCLUSIVE; SELECT is_readable FROM groups LIMIT 1;")
            except SpoolError:
                raise error from None
            self._is_read_only = True
        else:
            self._is_read_only = False
        return connection

    def _connect(
        self, set_up: str, then: Callable[[sqlite3.Connection], None] = lambda _connection: None
    ) -> sqlite3.Connection:
        try:
            connection = sqlite3.connect(
                self.path, timeout=_BUSY_TIMEOUT, isolation_level=None, check_same_thread=False
            )
        except sqlite3.OperationalError as error:
            raise SpoolError(f"The spool file {self.path} can't be opened: {error}.") from None
        try:
            connection.executescript(set_up)
            then(connection)
        except (OSError, sqlite3.Error) as error:
            connection.close()
            raise _spool_error(self.path, error) from None
        return connection

    def _add_sizes(self, connection: sqlite3.Connection) -> None:
        if not _has_sizes(connection):
            connection.execute(_ADD_SIZES)
        connection.execute(_INDEX_SIZES)
        connection.execute(f"PRAGMA max_page_count = {self._most_bytes // _PAGE_BYTES}")
        _sync_directory(self.path.parent)

    def put(self, deliveries: Sequence[Delivery], now: datetime | None = None) -> None:
        """Keep a group.

        Raises:
            SpoolError: it is not kept: the disk is full or read-only, or the file has reached its limit.
        """
        values = ((now or datetime.now(UTC)).isoformat(), encode_group(deliveries), len(deliveries))
        self._execute("INSERT INTO groups (kept_at, deliveries, size) VALUES (?, ?, ?)", values)

    def oldest(self, most_bytes: int, most_deliveries: int, after: int = 0) -> list[SpooledGroup]:
        """Return the oldest groups, in order, within both limits, but at least one.

        A group that this version can't read stays in the file and is skipped until the file is next opened.

        Args:
            most_bytes: the most bytes of deliveries in all of them, uncompressed.
            most_deliveries: the most deliveries in all of them.
            after: the position to start after.

        Raises:
            SpoolError: the file can't be read.
        """
        places = self._execute(
            "SELECT position FROM groups WHERE is_readable AND position > ? ORDER BY position LIMIT ?",
            (after, _MOST_GROUPS + len(self._unreadable)),
        )
        groups: list[SpooledGroup] = []
        size = deliveries = 0
        for (position,) in places:
            if position in self._unreadable:
                continue
            rows = self._execute("SELECT deliveries FROM groups WHERE position = ?", (position,))
            try:
                group = decode_group(rows[0][0])
            except UnreadableError:
                self._unreadable.add(position)
                with suppress(SpoolError):
                    self._execute("UPDATE groups SET is_readable = 0 WHERE position = ?", (position,))
                continue
            size += sum(delivery.size() for delivery in group)
            deliveries += len(group)
            if groups and (size > most_bytes or deliveries > most_deliveries):
                break
            groups.append(SpooledGroup(position, group))
        return groups

    def salvage(self, damaged: Path) -> int:
        """Copy the readable groups of a damaged file, oldest first up to the damage. Returns their number.

        Raises:
            SpoolError: they can't be written here.
        """
        groups = 0
        with suppress(sqlite3.Error), closing(sqlite3.connect(damaged)) as source:
            size = "size" if _has_sizes(source) else "1"
            rows = source.execute(f"SELECT kept_at, deliveries, {size} FROM groups ORDER BY position")  # noqa: S608 - fixed words
            for row in rows:
                self._execute("INSERT INTO groups (kept_at, deliveries, size) VALUES (?, ?, ?)", row)
                groups += 1
        return groups

    def delete(self, positions: Sequence[int]) -> None:
        """Delete groups that are safe elsewhere, and release their disk space once none is left.

        Raises:
            SpoolError: they could not be deleted.
        """
        for begin in range(0, len(positions), _MOST_GROUPS):
            part = tuple(positions[begin : begin + _MOST_GROUPS])
            marks = ",".join("?" * len(part))
            self._execute(f"DELETE FROM groups WHERE position IN ({marks})", part)  # noqa: S608 - question marks

    def shrink(self) -> None:
        """Release unused disk space, and leave no deleted text in the write-ahead log."""
        self._execute("PRAGMA incremental_vacuum")
        self._execute("PRAGMA wal_checkpoint(TRUNCATE)")

    def count(self) -> int:
        """Return the number of groups, including those that can't be read."""
        return int(self._execute("SELECT count(*) FROM groups")[0][0])

    def probe(self) -> None:
        """Write something small to the disk.

        Raises:
            SpoolError: a group could not be kept now either.
        """
        self._execute("INSERT OR REPLACE INTO probe VALUES (1, ?)", (datetime.now(UTC).isoformat(),))

    def close(self) -> None:
        """Close the file."""
        with self._lock:
            self._connection.close()

    def _execute(self, statement: str, values: tuple[object, ...] = ()) -> list[tuple[Any, ...]]:
        with self._lock:
            try:
                return self._connection.execute(statement, values).fetchall()
            except sqlite3.Error as error:
                raise _spool_error(self.path, error) from None


def _spool_error(path: Path, error: Exception) -> SpoolError:
    # SQLite's OperationalError concerns the environment (full, read-only), a bare DatabaseError the file itself.
    if type(error) is sqlite3.DatabaseError:
        return DamagedSpoolError(f"The spool file {path} is damaged: {error}. It is set aside; a new one is created.")
    return SpoolError(f"The spool file {path} can't be used: {error}. Free disk space or fix its permissions.")


def _has_sizes(connection: sqlite3.Connection) -> bool:
    return ("size",) in connection.execute("SELECT name FROM pragma_table_info('groups')").fetchall()


def _sync_directory(directory: Path) -> None:
    # A new file's name is on disk only once its folder is synced.
    descriptor = os.open(directory, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
