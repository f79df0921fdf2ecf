"""A small disk of its own under a folder, that can be filled."""

import errno
import os
import subprocess
from pathlib import Path

_CHUNK = 4096
_FILLER = "filler"


def missing_for_disks() -> str | None:
    """Return why no disk can be made here; None where it can."""
    if os.geteuid() != 0:
        return "only root can mount a disk"
    done = subprocess.run(
        ["unshare", "--mount", "mount", "-t", "tmpfs", "none", "/mnt"], capture_output=True, check=False
    )
    return None if done.returncode == 0 else "this system lets nobody mount a disk"


class Disk:
    """A disk in memory."""

    def __init__(self, folder: Path, size: str) -> None:
        """Prepare to mount it at a folder; `size` as `mount` takes it: `64m`."""
        self.folder = folder
        self._size = size

    def mount(self) -> None:
        """Make the folder and mount it there.

        Raises:
            subprocess.CalledProcessError: it can't be mounted.
        """
        self.folder.mkdir(exist_ok=True)
        options = f"size={self._size},mode=0755"
        subprocess.run(["mount", "-t", "tmpfs", "-o", options, "none", str(self.folder)], check=True)

    def unmount(self) -> None:
        """Unmount it; what was on it is gone."""
        subprocess.run(["umount", "--lazy", str(self.folder)], check=False)

    def fill(self) -> None:
        """Leave no room on it."""
        descriptor = os.open(self.folder / _FILLER, os.O_WRONLY | os.O_CREAT, 0o600)
        try:
            there = os.fstat(descriptor).st_size
            free = os.statvfs(self.folder)
            # The most first; then what others leave, until there is nothing.
            if most := free.f_bavail * free.f_frsize // 2:
                os.posix_fallocate(descriptor, there, most)
            os.lseek(descriptor, 0, os.SEEK_END)
            while True:
                os.write(descriptor, bytes(_CHUNK * 256))
        except OSError as error:
            if error.errno != errno.ENOSPC:
                raise
        finally:
            os.close(descriptor)

    def make_room(self) -> None:
        """Take away what fills it."""
        (self.folder / _FILLER).unlink(missing_ok=True)
