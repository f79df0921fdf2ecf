"""Whether a folder that we write to is safe: what lies in it is taken for ours, deliveries and keys above all."""

import os
import stat
from pathlib import Path

from runtime.setting_error import SettingError

PRIVATE = 0o700
_OTHERS_WRITE = stat.S_IWGRP | stat.S_IWOTH


class UnsafeFolderError(SettingError):
    """Others could put files into a folder of ours. The message names the variable, never its value."""

    def __init__(self, name: str, message: str) -> None:
        Exception.__init__(self, message)
        self.name = name


def check_folder(path: Path, name: str, what: str) -> None:
    """Check that only this user and root can write to a folder. A missing folder is safe.

    Args:
        path: the folder.
        name: the variable that says where it is.
        what: how the message begins: the folder, by the variable.

    Raises:
        UnsafeFolderError: another user can.
    """
    try:
        found = path.stat()
        owners = {path.lstat().st_uid, found.st_uid}
    except FileNotFoundError:
        return
    except OSError as error:
        raise UnsafeFolderError(
            name, f"{what} can't be looked at ({error.strerror}): give this user the right, or name another folder."
        ) from None
    if not stat.S_ISDIR(found.st_mode):
        raise UnsafeFolderError(name, f"{what} is no folder: name one, or remove what is there.")
    if not owners <= {0, os.geteuid()}:
        raise UnsafeFolderError(
            name,
            f"{what} belongs to another user, who could put files into it: "
            "run Rollcall as that user, make the folder this user's (chown -R), or name another one.",
        )
    if _others_can_write(found) and not _is_mount_for_us(path, found):
        raise UnsafeFolderError(
            name,
            f"{what} can be written to by others: look at what lies in it, "
            "then close it (chmod go-w), or name another folder.",
        )


def check_no_link(path: Path, name: str, what: str, remedy: str) -> None:
    """See that a folder inside of ours is no link.

    Raises:
        UnsafeFolderError: it is one.
    """
    if path.is_symlink():
        raise UnsafeFolderError(name, f"{what} is a link, and no link is followed there: {remedy}.")


def close_to_others(path: Path) -> None:
    """Take from others the right to read in a folder of ours. One that is not there, or root's, is left as it is."""
    try:
        found = path.stat()
        if found.st_uid == os.geteuid() and stat.S_IMODE(found.st_mode) & ~PRIVATE:
            path.chmod(PRIVATE)
    except OSError:  # a read-only disk; no one can write there either
        return


def _others_can_write(found: os.stat_result) -> bool:
    return bool(found.st_mode & _OTHERS_WRITE)


def _is_mount_for_us(path: Path, found: os.stat_result) -> bool:
    """Tell whether root gave us the folder in one of the ways that containers have: we could not write to it else."""
    if found.st_uid != 0 or os.geteuid() == 0:
        return False
    is_of_our_group = found.st_gid in {os.getegid(), *os.getgroups()} and not found.st_mode & stat.S_IWOTH
    return is_of_our_group or path.is_mount()
