"""Who is believed of a time that several sources tell, and the earliest and latest of several times.

What a row holds besides what deliveries state of it follows from that, and is declared here as data: the SQL that
derives it stands where rows are written (`workers.tables.upserts`), for there all that is known comes together.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class Source(StrEnum):
    """Where a time is known from, the one that is believed first at the head."""

    EVENT = "event"
    """An event states it."""
    RECEIVED = "received"
    """An event that states no time was received then."""
    SESSION_END = "session_end"
    """The session ended then, and with it what went on in it."""


@dataclass(frozen=True, slots=True)
class UnlessLater:
    """A column's value, unless that of another column is later."""

    column: str
    than: str


@dataclass(frozen=True, slots=True)
class OfSession:
    """A column's value in the row of the session that a row belongs to."""

    column: str


@dataclass(frozen=True, slots=True)
class Believed:
    """The value of the first source that has one.

    Attributes:
        sources: a column, or how to come by the value, of each source; in the order of `Source`.
    """

    sources: Mapping[Source, str | UnlessLater | OfSession]

    def __post_init__(self) -> None:
        """Hold the one order in which sources are believed."""
        if list(self.sources) != [source for source in Source if source in self.sources]:
            raise ValueError(f"sources are believed in the order {', '.join(Source)}")


@dataclass(frozen=True, slots=True)
class SourceOf:
    """Which source is believed; null where none has a value."""

    believed: Believed


@dataclass(frozen=True, slots=True)
class IfKnown:
    """One word where a value is known, another where it isn't."""

    value: Believed
    then: str
    otherwise: str


Derived = Believed | SourceOf | IfKnown


def earliest(known: datetime | None, stated: datetime | None) -> datetime | None:
    """Return the earlier of two times, of which either may be missing."""
    if known is None or stated is None:
        return stated if known is None else known
    return min(known, stated)


def latest(known: datetime | None, stated: datetime | None) -> datetime | None:
    """Return the later of two times, of which either may be missing."""
    if known is None or stated is None:
        return stated if known is None else known
    return max(known, stated)
