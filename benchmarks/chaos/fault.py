"""A fault: something that goes wrong with a part for a while."""

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Fault:
    """Something that goes wrong for a while.

    Attributes:
        kind: its name in the summary.
        target: what it is done to; one fault at a time.
        begin: does it.
        end: ends it.
        longest: seconds that it lasts at most.
        also: other targets that no other fault may be done to meanwhile.
    """

    kind: str
    target: str
    begin: Callable[[], object]
    end: Callable[[], object]
    longest: float
    also: tuple[str, ...] = ()

    @property
    def targets(self) -> frozenset[str]:
        """Everything that it affects."""
        return frozenset((self.target, *self.also))


class SparedError(Exception):
    """A fault could not be done now, as another stood in its way; it does not count as one that came."""
