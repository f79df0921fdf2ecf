"""A finding: the result of one check."""

from dataclasses import dataclass
from enum import StrEnum


class Health(StrEnum):
    """The health of a part."""

    GOOD = "ok"
    """It works."""
    DOUBTFUL = "warning"
    """It works, but there is something to know about it."""
    BAD = "failed"
    """It does not work; the finding says what to do."""


@dataclass(frozen=True, slots=True)
class Finding:
    """The result of a check.

    Attributes:
        part: the part that was checked.
        health: its health.
        says: one line for the operator: the state, and what to do if it is bad. No secrets.
    """

    part: str
    health: Health
    says: str


def good(part: str, says: str) -> Finding:
    """Return a finding that a part works."""
    return Finding(part, Health.GOOD, says)


def doubtful(part: str, says: str) -> Finding:
    """Return a finding that a part works, with a warning."""
    return Finding(part, Health.DOUBTFUL, says)


def bad(part: str, says: str) -> Finding:
    """Return a finding that a part does not work."""
    return Finding(part, Health.BAD, says)
