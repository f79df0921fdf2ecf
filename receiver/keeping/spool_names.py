"""The names in a spool folder: `000.sqlite` and what SQLite and its process put beside it."""

from pathlib import Path

from runtime.own_files import check_own, is_foreign

_PATTERNS = ("[0-9]*.sqlite*", "[0-9]*.lock")
_BESIDE = ("", "-wal", "-shm", "-journal")


def spool_files(folder: Path) -> list[Path]:
    """Return the spool files of a folder, whichever process writes to them or has left them."""
    return sorted(folder.glob("[0-9]*.sqlite"))


def check_place(path: Path) -> None:
    """See that what lies at a spool file's place, and beside it, is ours: else none of it may be touched.

    Raises:
        ForeignFileError: some of it is not.
    """
    for file in (path.with_suffix(".lock"), *(Path(f"{path}{suffix}") for suffix in _BESIDE)):
        check_own(file)


def foreign_files(folder: Path) -> list[Path]:
    """Return what lies in a folder under names of ours and is not ours."""
    return [path for pattern in _PATTERNS for path in folder.glob(pattern) if is_foreign(path)]
