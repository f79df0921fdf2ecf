"""Our own files: opened without following links, and never used if another user created them.

A link in a folder of ours would have us read, or as root overwrite, what it points to; a hard link likewise.
"""

import os
import stat
from pathlib import Path

_FOLDER_MODE = 0o755


class ForeignFileError(PermissionError):
    """A file of that name is a link, no plain file, or of another user."""

    def __init__(self, path: Path) -> None:
        super().__init__(f"{path} is a link, no plain file, or belongs to another user")


def is_foreign(path: Path) -> bool:
    """Tell whether there is something at `path` that is no plain file of this user with that one name."""
    try:
        return not _is_ours(path.lstat())
    except FileNotFoundError:
        return False


def check_own(path: Path) -> None:
    """See that what is at `path`, if anything, is ours.

    Raises:
        ForeignFileError: it is not.
    """
    if is_foreign(path):
        raise ForeignFileError(path)


def open_own(path: Path, flags: int, mode: int = 0o600) -> int:
    """Open a file of ours, as `os.open` does, and return the descriptor.

    Raises:
        ForeignFileError: it is not ours; it is as it was.
        OSError: it can't be opened.
    """
    # A named pipe must not hold us up.
    check_own(path)
    descriptor = os.open(path, flags | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC, mode)
    # It may have changed in between, and a descriptor stays what it is.
    if not _is_ours(os.fstat(descriptor)):
        os.close(descriptor)
        raise ForeignFileError(path)
    return descriptor


def read_own(path: Path) -> bytes:
    """Return what is in a file of ours.

    Raises:
        ForeignFileError: it is not ours.
        OSError: it can't be read.
    """
    with os.fdopen(open_own(path, os.O_RDONLY), "rb") as file:
        return file.read()


def make_folder(path: Path, mode: int = _FOLDER_MODE) -> None:
    """Make a folder and those above it that are missing, none of which others can write to, whatever the umask says.

    Raises:
        OSError: it can't be made, or something else is there.
    """
    for parent in reversed(path.parents):
        if not parent.exists():
            parent.mkdir(_FOLDER_MODE, exist_ok=True)
    path.mkdir(mode, exist_ok=True)


def _is_ours(found: os.stat_result) -> bool:
    return stat.S_ISREG(found.st_mode) and found.st_uid == os.geteuid() and found.st_nlink == 1
