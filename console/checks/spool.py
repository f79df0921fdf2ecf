"""The spool: whether it could take deliveries, and what waits in it."""

import os
import shutil
import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import closing
from pathlib import Path

from console.checks.finding import Finding, bad, doubtful, good
from console.checks.settings import receiver_settings
from runtime.environment import SettingError

_LEAST_FREE_BYTES = 200 * 2**20
_SECONDS = 1.0


def check_spool(environment: Mapping[str, str]) -> Iterator[Finding]:
    """Look at the folder where deliveries wait while the queue is away."""
    try:
        folder = receiver_settings(environment).spool_dir
    except SettingError as error:
        yield bad("spool", f"can't be told: {error}")
        return
    try:
        yield _check_folder(folder)
    except (OSError, sqlite3.Error) as error:
        yield bad("spool", f"{folder} can't be looked at ({error}). Mend it, or let SPOOL_DIR name another folder.")


def _check_folder(folder: Path) -> Finding:
    existing = next(path for path in (folder.absolute(), *folder.absolute().parents) if path.exists())
    if not existing.is_dir() or not os.access(existing, os.W_OK | os.X_OK):
        return bad(
            "spool", f"{folder} can't be written to: give its owner the right, or set SPOOL_DIR to another folder."
        )
    free = shutil.disk_usage(existing).free
    if free < _LEAST_FREE_BYTES:
        return bad("spool", f"{folder} is on a disk with {_megabytes(free)} left: make room.")
    damaged = len([path for path in folder.glob("*.damaged-*") if path.suffix not in {"-wal", "-shm"}])
    groups = sum(_groups_in(path) for path in folder.glob("[0-9]*.sqlite"))
    if damaged:
        return doubtful("spool", f"{folder} has {damaged} damaged files set aside; the receiver's log says what to do.")
    if groups:
        return doubtful(
            "spool",
            f"{groups} {'group' if groups == 1 else 'groups'} of deliveries in {folder} wait for the queue. They go "
            "there by themselves once it takes them and a receiver runs here.",
        )
    return good("spool", f"{folder} is writable and empty, {_megabytes(free)} free")


def _groups_in(path: Path) -> int:
    # Read only: a receiver may be writing to it.
    with closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True, timeout=_SECONDS)) as file:
        if file.execute("SELECT count(*) FROM sqlite_master WHERE name = 'groups'").fetchone() == (0,):
            return 0
        return int(file.execute("SELECT count(*) FROM groups").fetchone()[0])


def _megabytes(number: int) -> str:
    return f"{number // 2**20:,} MiB"
