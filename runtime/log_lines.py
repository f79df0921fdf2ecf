"""Where log lines go. One that can't be written is counted, and never an error of the code that logs."""

import os
from typing import TextIO


class LostLines:
    """How many lines of this process could not be written."""

    def __init__(self) -> None:
        self._count = 0
        self._taken = 0

    def add(self) -> None:
        """Count one."""
        self._count += 1

    def since_last(self) -> int:
        """Return how many there were since the last call."""
        before, self._taken = self._taken, self._count
        return self._taken - before


lost_lines = LostLines()


class LogLines:
    """Writes lines to a stream as they come, and past its buffer where it has a descriptor.

    A buffer that could not be written would be kept, grow, and fail every line after it.
    """

    def __init__(self, stream: TextIO | None) -> None:
        """Write to `stream`; without one, as in a process whose stderr is closed, every line is lost."""
        self._stream = stream
        self._descriptor = _descriptor(stream)

    @property
    def is_terminal(self) -> bool:
        """Whether a person may be looking."""
        return self._descriptor is not None and os.isatty(self._descriptor)

    def write(self, text: str) -> None:
        """Write `text`, or count it as lost."""
        try:
            if self._descriptor is not None:
                rest = text.encode("utf-8", "backslashreplace")
                while rest:
                    rest = rest[os.write(self._descriptor, rest) :]
            elif self._stream is not None:
                self._stream.write(text)
            else:
                lost_lines.add()
        except (OSError, ValueError):  # a full disk, a reader that is gone, a stream that was closed
            lost_lines.add()

    def flush(self) -> None:
        """Do nothing: nothing is held back."""


def _descriptor(stream: TextIO | None) -> int | None:
    try:
        return None if stream is None else stream.fileno()
    except (AttributeError, OSError, ValueError):
        return None
