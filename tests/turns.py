"""Lets the processes of a test run take turns at something that only one test at a time can use."""

import fcntl
import hashlib
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

# The names this process holds; a test may ask for one that its module already holds.
_held: set[Path] = set()


@contextmanager
def turn_at(name: str) -> Iterator[None]:
    """Wait until no other process on this machine holds `name`, and hold it for the `with` block."""
    file = Path(tempfile.gettempdir(), f"rollcall-turn-{hashlib.sha256(name.encode()).hexdigest()[:16]}")
    if file in _held:
        yield
        return
    with file.open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        _held.add(file)
        try:
            yield
        finally:
            _held.remove(file)
