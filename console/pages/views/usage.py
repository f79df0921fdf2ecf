"""`/usage`: what days, weeks and months came to, by organization."""

from collections.abc import Sequence
from datetime import date, timedelta
from typing import Any

from console.charts.usage import draw_usage
from console.pages.asking import Asking
from console.pages.listing import Column, Kind, Listing
from console.pages.refusals import WrongQueryError
from console.pages.site import Shown, with_files
from console.pages.views.sessions import what_hides
from console.queries.tables import Row
from console.queries.usage import Unit, Wanted, first_of, periods, usage_of

_FILTERS = {"from": "from", "to": "to", "organization": "organization"}
_DEFAULT_DAYS = {Unit.DAY: 31, Unit.WEEK: 182, Unit.MONTH: 366}
_MOST_DAYS = 3660
# Beyond these, days are UTC's.
_MOST_DAYS_IN_ZONES = 92
_COLUMNS = (
    Column("period", "From"),
    Column("organization_id", "Organization"),
    Column("sessions", "Sessions", Kind.NUMBER),
    Column("participant_minutes", "Participant minutes", Kind.MINUTES),
    Column("recording_minutes", "Recorded minutes", Kind.MINUTES),
)
_COMPLETENESS = Column("completeness", "Captured by webhooks", Kind.SHARE)


def usage(asking: Asking) -> Shown:
    """Return the page."""
    unit = asking.one_of("unit", Unit) or Unit.DAY
    last = (asking.read("to", date.fromisoformat, "a day, such as 2026-03-02") or asking.now.date()) + timedelta(days=1)
    start = last - timedelta(days=_DEFAULT_DAYS[unit])
    first = first_of(asking.read("from", date.fromisoformat, "a day, such as 2026-03-02") or start, unit)
    days = (last - first).days
    if not 0 < days <= _MOST_DAYS:
        raise WrongQueryError("from", f"a day before the last one, at most {_MOST_DAYS} days")
    in_zone = asking.zone.is_pinned and asking.zone.name != "UTC"
    if in_zone and days > _MOST_DAYS_IN_ZONES:
        raise WrongQueryError("tz", f"UTC for more than {_MOST_DAYS_IN_ZONES} days; choose a shorter range")
    zone = asking.zone.name if in_zone else "UTC"
    rows = usage_of(asking.tables, Wanted(first, last, unit, zone, asking.text("organization")))
    columns = (*_COLUMNS, _COMPLETENESS) if any("completeness" in row for row in rows) else _COLUMNS
    listing = Listing(
        "usage", f"Usage by {unit} and organization, latest first", columns, rows,
        what_hides(asking, _FILTERS, "sessions"),
    )  # fmt: skip
    values = {
        "unit": unit,
        "units": list(Unit),
        "days_in": zone,
        "first": first,
        "last": last - timedelta(days=1),
        "filters": {name: asking.text(name) for name in _FILTERS},
        "chart": draw_usage(_totals(rows, first, last, unit)),
        "total": {key: sum(row[key] for row in rows) for key in _FIGURES},
    }
    return Shown("usage.html", "Usage", values, (with_files(asking, listing),))


_FIGURES = ("sessions", "participant_minutes", "recording_minutes")


def _totals(rows: Sequence[Row], first: date, last: date, unit: Unit) -> list[tuple[str, float]]:
    """Return the participant minutes of each period over all organizations, in order; 0 where nothing was."""
    totals: dict[str, Any] = dict.fromkeys(map(str, periods(first, last, unit)), 0)
    for row in rows:
        # A session whose start is not known is in no period.
        if row["period"] is not None:
            totals[str(row["period"])] = totals.get(str(row["period"]), 0) + row["participant_minutes"]
    return [(period, float(minutes)) for period, minutes in sorted(totals.items())]
