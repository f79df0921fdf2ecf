"""Acts as another user, if the tests run as root."""

import os
import pwd
import warnings
from collections.abc import Callable
from pathlib import Path

import pytest

NOBODY = pwd.getpwnam("nobody").pw_uid

needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root can be another user")


def as_nobody(folder: Path, act: Callable[[], object]) -> str:
    """Do something as the user `nobody`, in a separate process, and return what went wrong; empty if nothing.

    Args:
        folder: where the process is; that user must be able to get there.
        act: what to do.
    """
    for above in (folder, *folder.parents[:-1]):
        if above.stat().st_uid == 0:
            above.chmod(above.stat().st_mode | 0o011)
    reading, writing = os.pipe()
    with warnings.catch_warnings():
        # Python warns about locks held by other threads at the fork; the child takes none of them.
        warnings.simplefilter("ignore", DeprecationWarning)
        child = os.fork()
    if not child:
        said = "it did not come to an end"
        try:
            os.setgroups([])
            os.setgid(NOBODY)
            os.setuid(NOBODY)
            act()
            said = ""
        except Exception as error:  # noqa: BLE001 - whatever it is, the test says whether it should be
            said = str(error)
        finally:
            os.write(writing, said.encode())
            os._exit(0)
    os.close(writing)
    os.waitpid(child, 0)
    with os.fdopen(reading, "rb") as pipe:
        return pipe.read().decode()
