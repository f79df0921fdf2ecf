"""The spool: where groups wait on local disk while the queue is away.

Every receiver process has a separate file, so that a frozen one blocks no other. The files are numbered slots; a
process locks the file beside its slot, and the kernel releases the lock however the process ends. A starting receiver
takes the first free slot, including anything a dead process left in it; the other free slots' groups are adopted by any
running receiver.
"""

import fcntl
import os
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path

import structlog

from receiver.keeping.spool_file import DamagedSpoolError, SpoolError, SpoolFile
from receiver.keeping.spool_names import check_place, spool_files
from runtime.own_files import ForeignFileError, make_folder, open_own
from runtime.safe_folders import PRIVATE
from workers.queue.delivery import Delivery

_MOST_SLOTS = 1000

_log = structlog.get_logger(__name__)


class Spool:
    """The spool of one receiver process in the folder `directory`. Files are opened when first needed."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._opening = threading.Lock()
        self._slot: _Slot | None = None
        self._file: SpoolFile | None = None

    def put(self, deliveries: Sequence[Delivery]) -> None:
        """Keep a group on disk.

        Raises:
            SpoolError: it is not kept.
        """
        file = self.file()
        try:
            file.put(deliveries)
        except DamagedSpoolError:
            self.begin_anew(file)
            self.file().put(deliveries)

    def probe(self) -> None:
        """Check whether a group could be kept now.

        Raises:
            SpoolError: it could not.
        """
        file = self.file()
        try:
            file.probe()
        except DamagedSpoolError:
            self.begin_anew(file)
            self.file().probe()

    def file(self) -> SpoolFile:
        """Return this process's file, opened on first use.

        Raises:
            SpoolError: it can't be opened.
        """
        with self._opening:
            if self._file is None:
                if self._slot is None:
                    self._slot = self._take_free_slot()
                try:
                    self._file = SpoolFile(self._slot.path)
                except DamagedSpoolError:
                    self._file = _renew(self._slot.path)
            else:
                self._file.recover()
            return self._file

    def begin_anew(self, damaged: SpoolFile) -> None:
        """Set this process's file aside if it is still `damaged`, and continue with a new one.

        Raises:
            SpoolError: a new file can't be opened.
        """
        with self._opening:
            if self._file is damaged:
                damaged.close()
                self._file = None
                self._file = _renew(damaged.path)

    @contextmanager
    def orphans(self) -> Iterator[list[SpoolFile]]:
        """Hold the files of dead processes; remove those that are empty at the end."""
        slots, files = [], []
        try:
            for path in self._left_behind():
                slot = _Slot.take(path)
                if slot is None:
                    continue
                slots.append(slot)
                if path.exists():
                    files.append(_open_orphan(path))
            yield [file for file in files if file is not None]
        finally:
            for file in files:
                if file is not None:
                    _close_orphan(file)
            for slot in slots:
                slot.release()

    def close(self) -> None:
        """Release the file. Its contents stay for the process that takes the slot next."""
        with self._opening:
            if self._file is not None:
                self._file.close()
                self._file = None
            if self._slot is not None:
                self._slot.release()
                self._slot = None

    def _take_free_slot(self) -> "_Slot":
        try:
            make_folder(self._directory, PRIVATE)
            for number in range(_MOST_SLOTS):
                slot = _Slot.take(self._directory / f"{number:03}.sqlite")
                if slot is not None:
                    return slot
        except OSError as error:
            raise SpoolError(
                f"The spool folder {self._directory} can't be used: {error.strerror}. Check space and permissions."
            ) from None
        raise SpoolError(f"All {_MOST_SLOTS} slots of the spool folder {self._directory} are used by other processes.")

    def _left_behind(self) -> list[Path]:
        own = self._slot.path if self._slot else None
        with suppress(OSError):
            return [path for path in spool_files(self._directory) if path != own]
        return []


class _Slot:
    """The exclusive use of one spool file, until it is released or this process ends."""

    def __init__(self, path: Path, descriptor: int) -> None:
        self.path = path
        self._descriptor = descriptor

    @classmethod
    def take(cls, path: Path) -> "_Slot | None":
        """Return the slot, or None if another process has it, or another user has put a file there."""
        try:
            check_place(path)
            descriptor = open_own(path.with_suffix(".lock"), os.O_CREAT | os.O_RDWR)
        except ForeignFileError as error:
            _report_once(str(error))
            return None
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(descriptor)
            return None
        return cls(path, descriptor)

    def release(self) -> None:
        """Release it for another process."""
        os.close(self._descriptor)


_reported: set[str] = set()


def _report_once(detail: str) -> None:
    if detail not in _reported:
        _reported.add(detail)
        _log.error(
            "spool_foreign_file",
            detail=detail,
            remedy="it is left alone, whatever it holds; find out who put it there, and remove it",
        )


def _open_orphan(path: Path) -> SpoolFile | None:
    try:
        return SpoolFile(path)
    except DamagedSpoolError:
        return _renew(path)
    except SpoolError as error:
        _log.warning("spool_not_adopted", path=str(path), error=str(error))
        return None


def _close_orphan(file: SpoolFile) -> None:
    is_empty = False
    with suppress(SpoolError):
        is_empty = file.count() == 0
    file.close()
    if is_empty:
        for suffix in ("", "-wal", "-shm"):
            Path(f"{file.path}{suffix}").unlink(missing_ok=True)


def _renew(path: Path) -> SpoolFile:
    """Set a damaged file aside and return a new one with the groups that could still be read."""
    damaged = path.with_name(f"{path.name}.damaged-{datetime.now(UTC):%Y%m%dT%H%M%S%f}")
    for suffix in ("", "-wal", "-shm"):
        with suppress(FileNotFoundError):
            Path(f"{path}{suffix}").rename(f"{damaged}{suffix}")
    file = SpoolFile(path)
    groups = file.salvage(damaged)
    _log.critical(
        "spool_damaged",
        path=str(damaged),
        groups_saved=groups,
        remedy="recover more from the file with `sqlite3 FILE .recover`, then delete it",
    )
    return file
