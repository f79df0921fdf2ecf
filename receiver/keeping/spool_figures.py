"""How much is waiting in a spool folder: all its files, in use or left behind."""

import sqlite3
from contextlib import closing, suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from receiver.keeping.spool_names import check_place, foreign_files, spool_files
from runtime.own_files import ForeignFileError

_SECONDS = 1.0


@dataclass(frozen=True, slots=True)
class SpoolFigures:
    """The contents of a spool folder.

    Attributes:
        groups: groups waiting for the queue.
        deliveries: deliveries in them.
        oldest_kept_at: when the oldest of them was kept, UTC; None if there is none.
        bytes: the files' size on disk, including damaged ones.
        damaged_files: files set aside because they could not be read completely.
        unreadable_files: files that can't be read now: being created, or damaged and not yet set aside.
        foreign_files: links, and files of another user; they are never opened.
    """

    groups: int
    deliveries: int
    oldest_kept_at: datetime | None
    bytes: int
    damaged_files: int
    unreadable_files: int = 0
    foreign_files: int = 0


def look_at_spool(folder: Path) -> SpoolFigures:
    """Return a folder's contents while others may be writing. Files that can't be read count as empty."""
    looked_at = [_look_at(path) for path in spool_files(folder) if _is_own(path)]
    files = [found for found in looked_at if found is not None]
    damaged = [path for path in folder.glob("*.damaged-*") if not path.name.endswith(("-wal", "-shm"))]
    oldest = min((kept_at for _, _, kept_at in files if kept_at), default=None)
    return SpoolFigures(
        groups=sum(groups for groups, _, _ in files),
        deliveries=sum(deliveries for _, deliveries, _ in files),
        oldest_kept_at=datetime.fromisoformat(oldest) if oldest else None,
        bytes=sum(map(_size, folder.glob("*.sqlite*"))),
        damaged_files=len(damaged),
        unreadable_files=len(looked_at) - len(files),
        foreign_files=len(foreign_files(folder)),
    )


def _is_own(path: Path) -> bool:
    try:
        check_place(path)
    except ForeignFileError:
        return False
    return True


def _look_at(path: Path) -> tuple[int, int, str | None] | None:
    # A file may be damaged, or just being created or removed; its process reports that.
    with (
        suppress(sqlite3.Error),
        closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True, timeout=_SECONDS)) as file,
    ):
        row: tuple[int, int, str | None] = file.execute(
            "SELECT count(*), coalesce(sum(size), 0), min(kept_at) FROM groups"
        ).fetchone()
        return row
    return None


def _size(path: Path) -> int:
    with suppress(OSError):
        return path.lstat().st_size
    return 0
