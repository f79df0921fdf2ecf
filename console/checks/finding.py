"""A finding: what one look at one part of Rollcall gave."""

from dataclasses import dataclass
from enum import StrEnum


class Health(StrEnum):
    """How a part is."""

    GOOD = "ok"
    """It works."""
    DOUBTFUL = "warning"
    """It works, and somebody should know something about it."""
    BAD = "failed"
    """It does not work; what to do now is told."""


@dataclass(frozen=True, slots=True)
class Finding:
    """What a look at a part gave.

    Attributes:
        part: which part.
        health: how it is.
        says: one line for the operator: what is, and where it is bad what to do now. No secrets.
    """

    part: str
    health: Health
    says: str


def good(part: str, says: str) -> Finding:
    """Return that a part works."""
    return Finding(part, Health.GOOD, says)


def doubtful(part: str, says: str) -> Finding:
    """Return that a part works, with something to know."""
    return Finding(part, Health.DOUBTFUL, says)


def bad(part: str, says: str) -> Finding:
    """Return that a part does not work."""
    return Finding(part, Health.BAD, says)
