"""Which source wins when several report a time, and the earliest and latest of several times.

The columns derived from that are declared here as data. The SQL that computes them is generated where rows are written
(`workers.tables.upserts`), because only there everything known about a row is at hand.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class Source(StrEnum):
    """The sources of a time, most trusted first."""

    EVENT = "event"
    """An event states it."""
    API = "api"
    """The vendor's API states it."""
    RECEIVED = "received"
    """An event that states no time was received then."""
    SESSION_END = "session_end"
    """The session ended then, and everything in it."""


@dataclass(frozen=True, slots=True)
class UnlessLater:
    """A column's value, unless that of another column is later."""

    column: str
    than: str


@dataclass(frozen=True, slots=True)
class OfSession:
    """The value of a column of the row's session."""

    column: str


@dataclass(frozen=True, slots=True)
class Believed:
    """The value of the first source that has one.

    Attributes:
        sources: for each source a column, or how to get the value; in the order of `Source`.
    """

    sources: Mapping[Source, str | UnlessLater | OfSession]

    def __post_init__(self) -> None:
        """Check that the sources are in the order of `Source`."""
        if list(self.sources) != [source for source in Source if source in self.sources]:
            raise ValueError(f"sources are believed in the order {', '.join(Source)}")


@dataclass(frozen=True, slots=True)
class SourceOf:
    """The source whose value is used; null if none has one."""

    believed: Believed


@dataclass(frozen=True, slots=True)
class FirstKnown:
    """The latest of some times; without any, the first of others that is known."""

    latest_of: tuple[str, ...]
    else_of: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class IfKnown:
    """One constant if a value is known, another if not."""

    value: Believed
    then: str
    otherwise: str


Derived = Believed | SourceOf | IfKnown | FirstKnown


def earliest(known: datetime | None, stated: datetime | None) -> datetime | None:
    """Return the earlier of two times; either may be missing."""
    if known is None or stated is None:
        return stated if known is None else known
    return min(known, stated)


def latest(known: datetime | None, stated: datetime | None) -> datetime | None:
    """Return the later of two times; either may be missing."""
    if known is None or stated is None:
        return stated if known is None else known
    return max(known, stated)
