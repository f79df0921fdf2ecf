"""A chunk of bytes as a row of decisions.

Hypothesis is quick with bytes and shrinks them well, towards zeros: so zero, and an end of the bytes, is always the
plainest decision.
"""

from collections.abc import Sequence
from typing import TypeVar

Option = TypeVar("Option")


class Choices:
    """Takes decisions from bytes, one byte each."""

    def __init__(self, chunk: bytes) -> None:
        self._bytes = iter(chunk)

    def byte(self) -> int:
        return next(self._bytes, 0)

    def below(self, end: int) -> int:
        """Return a number from 0 to `end - 1`."""
        return self.byte() % end

    def pick(self, options: Sequence[Option]) -> Option:
        """Return one of the options; the first is the plainest."""
        return options[self.byte() % len(options)]

    def seldom(self, one_in: int) -> bool:
        """Return True once in this many times; never for zero."""
        return self.byte() % one_in == one_in - 1
