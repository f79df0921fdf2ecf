"""Ctrl-C, SIGTERM and a closed terminal: the first stops `rollcall run` gracefully, the second at once."""

import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType, TracebackType
from typing import Self

_NUMBERS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
# make and the terminal may both pass on one Ctrl-C: signals within this many seconds count as one.
_ONE_WISH = 1.0


class StopRequestedError(BaseException):
    """A stop was requested. Not an `Exception`, so that no handler in between takes it for a failure."""


class StopSignals:
    """Handles the signals in its `with` block; raises only where interruption is safe."""

    def __init__(self) -> None:
        self.insisted = False
        self._requested_at: float | None = None
        self._interruptible = False

    def __enter__(self) -> Self:
        """Install the signal handlers."""
        self._before = {number: signal.signal(number, self._take) for number in _NUMBERS}
        return self

    def __exit__(
        self, error_type: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Restore the previous handlers."""
        for number, handler in self._before.items():
            signal.signal(number, handler)

    @contextmanager
    def interruptible(self) -> Iterator[None]:
        """Let a signal interrupt the block at any point.

        Elsewhere it is deferred to the next such block: otherwise a server that is just starting would be lost.

        Raises:
            StopRequestedError: a stop was requested, now or earlier.
        """
        self._interruptible = True  # before checking earlier signals, or one in between would be missed
        try:
            if self._requested_at is not None:
                raise StopRequestedError
            yield
        finally:
            self._interruptible = False

    def _take(self, _number: int, _frame: FrameType | None) -> None:
        now = time.monotonic()
        if self._requested_at is not None:
            self.insisted = self.insisted or now - self._requested_at > _ONE_WISH
            return
        self._requested_at = now
        if self._interruptible:
            raise StopRequestedError
