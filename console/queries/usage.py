"""Reads usage: what days, weeks and months came to."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum
from typing import LiteralString
from zoneinfo import ZoneInfo

from console.queries.tables import Row, Tables

_PLAIN = ("period", "organization_id", "sessions", "participant_minutes", "recording_minutes", "peak", "completeness")
# A session counts whole on the day on which it started.
_USAGE: LiteralString = """
    SELECT periods.period, periods.organization_id, periods.sessions,
        extract(epoch FROM usage.participant_time) / 60 AS participant_minutes,
        usage.recording_seconds / 60 AS recording_minutes
    FROM (
        SELECT date_trunc(%(unit)s, started_at AT TIME ZONE %(tz)s)::date AS period, organization_id,
            count(*) AS sessions, array_agg(id) AS ids
        FROM rollcall.sessions
        WHERE started_at >= %(since)s AND started_at < %(until)s
            AND (%(organization)s::text IS NULL OR organization_id = %(organization)s)
        GROUP BY 1, 2
    ) AS periods CROSS JOIN LATERAL rollcall.usage_of(periods.ids) AS usage
    ORDER BY periods.period DESC, periods.organization_id"""
_CAPTURE: LiteralString = """
    SELECT date_trunc(%(unit)s, day)::date AS period, organization_id,
        sum(completeness * (2 * sessions + joins + leaves + recordings))
            / nullif(sum(2 * sessions + joins + leaves + recordings) FILTER (WHERE completeness IS NOT NULL), 0)
            AS completeness
    FROM rollcall.capture
    WHERE day >= %(first)s AND day < %(last)s
        AND (%(organization)s::text IS NULL OR organization_id = %(organization)s)
    GROUP BY 1, 2"""
_HAS_LOOKUPS: LiteralString = "SELECT EXISTS (SELECT FROM rollcall.lookups) AS has_lookups"


class Unit(StrEnum):
    """How long a period is."""

    DAY = "day"
    WEEK = "week"
    MONTH = "month"


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which usage is wanted.

    Attributes:
        first: the first day.
        last: the day after the last.
        unit: how long a period is.
        tz: the zone that days are in.
        organization: this one's alone; None: all.
    """

    first: date
    last: date
    unit: Unit
    tz: str
    organization: str | None


def usage_of(tables: Tables, wanted: Wanted) -> Sequence[Row]:
    """Return what the periods of a range came to, latest first, by organization."""
    zone = ZoneInfo(wanted.tz)
    values = {
        "unit": wanted.unit.value, "tz": wanted.tz, "organization": wanted.organization, "first": wanted.first,
        "last": wanted.last, "since": _midnight(wanted.first, zone), "until": _midnight(wanted.last, zone),
    }  # fmt: skip
    rows = tables.rows(_USAGE, values, _PLAIN)
    if wanted.tz != "UTC" or not tables.rows(_HAS_LOOKUPS, None, {"has_lookups"})[0]["has_lookups"]:
        return rows
    captured = {
        (row["period"], row["organization_id"]): row["completeness"] for row in tables.rows(_CAPTURE, values, _PLAIN)
    }
    return [{**row, "completeness": captured.get((row["period"], row["organization_id"]))} for row in rows]


def _midnight(day: date, zone: ZoneInfo) -> datetime:
    return datetime(day.year, day.month, day.day, tzinfo=zone)


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
