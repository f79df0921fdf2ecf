"""Ctrl-C, SIGTERM and a closed terminal: the first asks `rollcall run` to stop, one more insists."""

import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType, TracebackType
from typing import Self

_NUMBERS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
# make and the terminal may both pass one Ctrl-C on: what comes within this many seconds is one wish.
_ONE_WISH = 1.0


class StopRequestedError(BaseException):
    """Someone asked to stop. Not an `Exception`, so that nothing between takes it for a failure."""


class StopSignals:
    """Takes the signals while it is entered; tells of them only where that can be borne."""

    def __init__(self) -> None:
        self.insisted = False
        self._requested_at: float | None = None
        self._interruptible = False

    def __enter__(self) -> Self:
        """Take the signals from now on."""
        self._before = {number: signal.signal(number, self._take) for number in _NUMBERS}
        return self

    def __exit__(
        self, error_type: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Give the signals back."""
        for number, handler in self._before.items():
            signal.signal(number, handler)

    @contextmanager
    def interruptible(self) -> Iterator[None]:
        """Let a signal break off what runs inside, at any point.

        Elsewhere it is kept for the next such place: a server that is just being started would else be lost sight of.

        Raises:
            StopRequestedError: someone has asked to stop, now or before.
        """
        self._interruptible = True  # before the look at what came so far, or one that comes between would be missed
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
