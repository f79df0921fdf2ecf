"""Writes log lines. A line that can't be written is counted; logging never raises."""

import os
from typing import TextIO


class LostLines:
    """Counts this process's lines that could not be written."""

    def __init__(self) -> None:
        self._count = 0
        self._taken = 0

    def add(self) -> None:
        """Count one line."""
        self._count += 1

    def since_last(self) -> int:
        """Return the number since the last call."""
        before, self._taken = self._taken, self._count
        return self._taken - before


lost_lines = LostLines()


class LogLines:
    """Writes lines to a stream immediately, bypassing its buffer if it has a descriptor.

    A buffer that can't be flushed would be kept, grow, and fail every later line.
    """

    def __init__(self, stream: TextIO | None) -> None:
        """Write to `stream`; if None, as in a process with stderr closed, every line is lost."""
        self._stream = stream
        self._descriptor = _descriptor(stream)

    @property
    def is_terminal(self) -> bool:
        """Whether the stream is a terminal."""
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
        except (OSError, ValueError):  # disk full, broken pipe, closed stream
            lost_lines.add()

    def flush(self) -> None:
        """Do nothing: nothing is buffered."""


def _descriptor(stream: TextIO | None) -> int | None:
    try:
        return None if stream is None else stream.fileno()
    except (AttributeError, OSError, ValueError):
        return None
