"""A file that one process at a time holds, until it ends in whatever way."""

import fcntl
import os
from pathlib import Path

from console.failure import CommandFailedError
from runtime.own_files import open_own


class HeldElsewhereError(CommandFailedError):
    """Another living process holds the file.

    Attributes:
        holder: its process id as it wrote it there, empty in the moment before it does.
    """

    def __init__(self, path: Path, holder: str) -> None:
        super().__init__(f"{path} is in use by process {holder or '(just starting)'}: stop that one first.")
        self.holder = holder


class ExclusiveFile:
    """The hold on a file; the kernel ends it with the process, a SIGKILL included, so it is never stale."""

    def __init__(self, path: Path) -> None:
        """Take hold of `path`, which is made if need be; its folder must exist.

        Raises:
            HeldElsewhereError: another process holds it.
            CommandFailedError: it belongs to another user.
        """
        try:
            self._descriptor = open_own(path, os.O_RDWR | os.O_CREAT)
        except PermissionError:
            raise CommandFailedError(
                f"{path} can't be written: this folder was used by another user before. "
                "Go on as that user, or make the folder yours with chown -R."
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
        """Let go. The file stays: one deleted while another process opens it would be held twice."""
        os.close(self._descriptor)
