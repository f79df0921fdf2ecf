"""A file that one process at a time locks, until it exits in any way."""

import fcntl
import os
from pathlib import Path

from console.failure import CommandFailedError
from runtime.own_files import open_own


class HeldElsewhereError(CommandFailedError):
    """Another running process holds the file.

    Attributes:
        holder: its process id as written to the file; empty just before that.
    """

    def __init__(self, path: Path, holder: str) -> None:
        super().__init__(f"{path} is in use by process {holder or '(just starting)'}: stop that one first.")
        self.holder = holder


class ExclusiveFile:
    """A file lock; the kernel releases it when the process ends, even by SIGKILL, so it is never stale."""

    def __init__(self, path: Path) -> None:
        """Lock `path`, creating it if necessary; its folder must exist.

        Raises:
            HeldElsewhereError: another process holds it.
            CommandFailedError: it belongs to another user.
        """
        try:
            self._descriptor = open_own(path, os.O_RDWR | os.O_CREAT)
        except PermissionError:
            raise CommandFailedError(
                f"{path} is not writable: another user has used this folder before. "
                "Run this as that user, or take ownership of the folder with chown -R."
            ) from None
        try:
            fcntl.flock(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            holder = os.read(self._descriptor, 20).decode("ascii", "replace").strip()
            os.close(self._descriptor)
            raise HeldElsewhereError(path, holder) from None
        os.ftruncate(self._descriptor, 0)
        os.write(self._descriptor, str(os.getpid()).encode("ascii"))

    def release(self) -> None:
        """Release the lock. The file stays: if it were deleted while another process opens it, both could hold it."""
        os.close(self._descriptor)
