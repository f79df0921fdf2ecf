"""The spool: whether it is writable, and what is waiting in it."""

import os
import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path

from console.checks.finding import Finding, bad, doubtful, good
from receiver.keeping.spool_figures import SpoolFigures, look_at_spool
from runtime.environment import SettingError
from runtime.var_folder import VarFolder

_LEAST_FREE_BYTES = 200 * 2**20


def check_spool(environment: Mapping[str, str]) -> Iterator[Finding]:
    """Check the folder where deliveries wait while the queue is away."""
    try:
        var_folder = VarFolder.of(environment)
    except SettingError as error:
        yield bad("spool", f"can't be checked: {error}")
        return
    try:
        var_folder.check_spool()
    except SettingError as error:
        yield bad("spool", str(error))
        return
    folder = var_folder.spool
    try:
        yield _check_folder(folder)
    except OSError as error:
        yield bad("spool", f"{folder} can't be read ({error}). Fix it, or set SPOOL_DIR to another folder.")


def _check_folder(folder: Path) -> Finding:
    existing = next(path for path in (folder.absolute(), *folder.absolute().parents) if path.exists())
    if not existing.is_dir() or not os.access(existing, os.W_OK | os.X_OK):
        return bad("spool", f"{folder} is not writable: fix its permissions, or set SPOOL_DIR to another folder.")
    free = shutil.disk_usage(existing).free
    if free < _LEAST_FREE_BYTES:
        return bad("spool", f"{folder} is on a disk with {_megabytes(free)} left: free some space.")
    spool = look_at_spool(folder)
    problem = _problem(folder, spool)
    if problem is not None:
        return problem
    if spool.groups:
        return doubtful(
            "spool",
            f"{spool.groups} {'group' if spool.groups == 1 else 'groups'} of deliveries in {folder} wait for the "
            "queue. They are sent automatically once it accepts them and a receiver is running here.",
        )
    return good("spool", f"{folder} is writable and empty, {_megabytes(free)} free")


def _problem(folder: Path, spool: SpoolFigures) -> Finding | None:
    if spool.foreign_files:
        return doubtful(
            "spool",
            f"{folder} has links or files of another user, which are ignored ({spool.foreign_files}): "
            "find out who put them there, and remove them.",
        )
    if spool.unreadable_files:
        return bad("spool", f"{folder} has a file that can't be read. A receiver that starts here sets it aside.")
    if spool.damaged_files:
        return doubtful(
            "spool", f"{folder} has {spool.damaged_files} damaged files set aside; the receiver's log says what to do."
        )
    return None


def _megabytes(number: int) -> str:
    return f"{number // 2**20:,} MiB"
