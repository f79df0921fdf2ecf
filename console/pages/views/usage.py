"""`/usage`: what days, weeks and months came to, by organization."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from urllib.parse import urlencode

from console.charts.usage import draw_usage
from console.pages.asking import Asking
from console.pages.counted_days import CountedDays
from console.pages.listing import Column, Kind, Listing
from console.pages.refusals import WrongQueryError
from console.pages.site import Shown, with_files
from console.pages.views.sessions import what_hides
from console.queries.tables import Row
from console.queries.usage import Summed, Unit, Usage, first_of, periods, summed

_FILTERS = {"from": "from", "to": "to", "organization": "organization"}
_DEFAULT_DAYS = {Unit.DAY: 31, Unit.WEEK: 182, Unit.MONTH: 366}
_MOST_DAYS = 3660
# Beyond these, days are UTC's.
_MOST_DAYS_IN_ZONES = 92
_ROWS = 200
_MOST_SKIPPED = 10_000_000
_DAY_TAKES = "a day, such as 2026-03-02"


def _sessions_of(row: Row) -> str:
    return f"/sessions?{urlencode({name: value for name, value in row['sessions_of'].items() if value})}"


_COLUMNS = (
    Column("period", "From", link=_sessions_of),
    Column("organization_id", "Organization"),
    Column("sessions", "Sessions", Kind.NUMBER),
    Column("participant_minutes", "Participant minutes", Kind.MINUTES),
    Column("peak", "At once, at most", Kind.NUMBER),
    Column("recording_minutes", "Recorded minutes", Kind.MINUTES),
)
_COMPLETENESS = Column("completeness", "Captured by webhooks", Kind.SHARE)


@dataclass(frozen=True, slots=True)
class _Wanted:
    first: date
    last: date  # the day after the last
    unit: Unit
    tz: str


@dataclass(frozen=True, slots=True)
class UsagePage:
    """The page, with the days that were counted."""

    counted: CountedDays

    def page(self, asking: Asking) -> Shown:
        """Return the page.

        Raises:
            WrongQueryError: the range is none, or too long.
        """
        wanted = _wanted(asking)
        is_file = asking.text("csv") is not None
        counted = self.counted.of(asking.tables, wanted.tz, wanted.first, wanted.last, whole=is_file)
        found = summed(counted.figures, wanted.unit, asking.text("organization"))
        rows = [
            _row(period, organization_id, usage, wanted)
            for (period, organization_id), usage in found.by_organization.items()
        ]
        columns = (*_COLUMNS, _COMPLETENESS) if found.whole.happened else _COLUMNS
        skip = 0 if is_file else asking.number("skip", _MOST_SKIPPED)
        listing = Listing(
            "usage", f"Usage by {wanted.unit} and organization, latest first", columns,
            rows if is_file else rows[skip : skip + _ROWS], what_hides(asking, _FILTERS, "sessions"),
            asking.link(skip=skip + _ROWS) if len(rows) > skip + _ROWS else None,
        )  # fmt: skip
        values = {
            "unit": wanted.unit,
            "units": list(Unit),
            "days_in": wanted.tz,
            "first": wanted.first,
            "last": wanted.last - timedelta(days=1),
            "filters": {name: asking.text(name) for name in _FILTERS},
            "chart": draw_usage(_minutes(found, wanted)),
            "total": found.whole,
            "uncounted": counted.uncounted,
        }
        return Shown(
            "usage.html", "Usage", values, (with_files(asking, listing),), is_live=bool(counted.uncounted)
        )  # fmt: skip


def _wanted(asking: Asking) -> _Wanted:
    unit = asking.one_of("unit", Unit) or Unit.DAY
    last = (asking.read("to", date.fromisoformat, _DAY_TAKES) or asking.now.date()) + timedelta(days=1)
    start = last - timedelta(days=_DEFAULT_DAYS[unit])
    first = first_of(asking.read("from", date.fromisoformat, _DAY_TAKES) or start, unit)
    days = (last - first).days
    if not 0 < days <= _MOST_DAYS:
        raise WrongQueryError("from", f"a day before the last one, at most {_MOST_DAYS} days")
    in_zone = asking.zone.is_pinned and asking.zone.name != "UTC"
    if in_zone and days > _MOST_DAYS_IN_ZONES:
        raise WrongQueryError("tz", f"UTC for more than {_MOST_DAYS_IN_ZONES} days; choose a shorter range")
    return _Wanted(first, last, unit, asking.zone.name if in_zone else "UTC")


def _row(period: date, organization_id: str | None, usage: Usage, wanted: _Wanted) -> Row:
    [_, *after] = periods(period, period + timedelta(days=32), wanted.unit)
    return {
        "period": period,
        "organization_id": organization_id,
        "sessions": usage.sessions,
        "participant_minutes": usage.participant_minutes,
        "peak": usage.peak,
        "recording_minutes": usage.recording_minutes,
        "completeness": usage.completeness,
        "sessions_of": {
            "from": max(period, wanted.first), "to": min(after[0], wanted.last), "organization": organization_id,
            "tz": wanted.tz,
        },
    }  # fmt: skip


def _minutes(found: Summed, wanted: _Wanted) -> list[tuple[str, float]]:
    """Return the participant minutes of each period over all organizations, in order; 0 where nothing was."""
    known: Mapping[date, Usage] = found.by_period
    return [
        (str(period), float(known[period].participant_minutes) if period in known else 0.0)
        for period in periods(wanted.first, wanted.last, wanted.unit)
    ]
