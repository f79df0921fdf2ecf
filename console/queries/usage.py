"""What days, weeks and months came to, put together from what is known of single days."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from enum import StrEnum

from console.queries.usage_days import DayFigures


class Unit(StrEnum):
    """How long a period is."""

    DAY = "day"
    WEEK = "week"
    MONTH = "month"


@dataclass(slots=True)
class Usage:
    """What a period came to.

    Attributes:
        sessions: how many began.
        participant_minutes: theirs.
        recording_minutes: theirs.
        peak: most connections at once.
        captured: how much of what happened came by webhooks.
        happened: how much happened, as far as the vendor's API was asked.
    """

    sessions: int = 0
    participant_minutes: Decimal = Decimal(0)
    recording_minutes: Decimal = Decimal(0)
    peak: int = 0
    captured: Decimal = Decimal(0)
    happened: int = 0

    def add(self, day: DayFigures) -> None:
        """Add a day."""
        self.sessions += day.sessions
        self.participant_minutes += day.participant_minutes
        self.recording_minutes += day.recording_minutes
        self.peak = max(self.peak, day.peak)
        self.captured += day.captured
        self.happened += day.happened

    @property
    def completeness(self) -> Decimal | None:
        """The share of what happened that came by webhooks; None if the vendor's API was not asked."""
        return self.captured / self.happened if self.happened else None


@dataclass(frozen=True, slots=True)
class Summed:
    """What a range came to.

    Attributes:
        by_organization: each period's first day and organization with what it came to, latest first.
        by_period: likewise, of all organizations that are wanted.
        whole: the whole range.
    """

    by_organization: dict[tuple[date, str | None], Usage]
    by_period: dict[date, Usage]
    whole: Usage


def summed(figures: Iterable[DayFigures], unit: Unit, organization: str | None) -> Summed:
    """Return what the periods of some days came to.

    Args:
        figures: of the days.
        unit: how long a period is.
        organization: this one's alone; None: all.
    """
    by_organization: dict[tuple[date, str | None], Usage] = {}
    by_period: dict[date, Usage] = {}
    whole = Usage()
    for one in sorted(figures, key=lambda one: one.day, reverse=True):
        period = first_of(one.day, unit)
        if one.is_all:
            # At once means at one moment: the peaks of several organizations don't add up to that of all.
            if organization is None:
                for usage in (by_period.setdefault(period, Usage()), whole):
                    usage.peak = max(usage.peak, one.peak)
        elif organization is None or one.organization_id == organization:
            for usage in (
                by_organization.setdefault((period, one.organization_id), Usage()),
                by_period.setdefault(period, Usage()),
                whole,
            ):
                usage.add(one)
    ordered = sorted(by_organization, key=lambda key: (-key[0].toordinal(), key[1] is None, key[1] or ""))
    return Summed({key: by_organization[key] for key in ordered}, by_period, whole)


def first_of(day: date, unit: Unit) -> date:
    """Return the first day of the period that a day is in."""
    match unit:
        case Unit.DAY:
            return day
        case Unit.WEEK:
            return day - timedelta(days=day.weekday())
        case Unit.MONTH:
            return day.replace(day=1)


def periods(first: date, last: date, unit: Unit) -> Iterator[date]:
    """Yield the first day of each period from `first`, which is one, to before `last`."""
    day = first
    while day < last:
        yield day
        if unit is Unit.MONTH:
            day = first_of(day + timedelta(days=31), unit)
        else:
            day += timedelta(days=7 if unit is Unit.WEEK else 1)
