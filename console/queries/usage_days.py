"""Reads what single days came to, by organization. Longer periods are put together from them."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any, LiteralString
from zoneinfo import ZoneInfo

from console.queries.tables import Row, Tables

_DAY = timedelta(days=1)
# Ages count from the youngest transaction, so they are taken relative to a row that never changes. Whatever changes
# anything in a session, a replay too, also updates the session's row.
_STAMPS: LiteralString = """
    SELECT (started_at AT TIME ZONE %(tz)s)::date AS day, count(*) AS sessions,
        sum(age(xmin)) - count(*) * (SELECT age(xmin) FROM rollcall.alembic_version) AS age,
        bool_or(status = 'live' AND last_event_at > now() - interval '25 hours') AS goes_on
    FROM rollcall.sessions WHERE started_at >= %(since)s AND started_at < %(until)s GROUP BY 1"""
_STAMPS_PLAIN = {"day", "sessions", "age", "goes_on"}
# A session counts whole on the day on which it started.
_TOTALS: LiteralString = """
    SELECT days.day, days.organization_id, days.sessions,
        extract(epoch FROM usage.participant_time) / 60 AS participant_minutes,
        usage.recording_seconds / 60 AS recording_minutes
    FROM (
        SELECT (started_at AT TIME ZONE %(tz)s)::date AS day, organization_id, count(*) AS sessions,
            array_agg(id) AS ids
        FROM rollcall.sessions WHERE started_at >= %(since)s AND started_at < %(until)s GROUP BY 1, 2
    ) AS days CROSS JOIN LATERAL rollcall.usage_of(days.ids) AS usage"""
# The peak is of the day itself, with those who came the day before: joins and leaves in order, each a step up or down,
# and a step of nothing at each midnight, so that the night's number counts for the morning. Steps of one moment are
# taken together. Sessions that began before the range are looked for among those of a month. OFFSET 0 keeps the
# connections looked up session by session; numbers are sorted faster than the organizations' ids.
_PEAKS: LiteralString = """
    WITH session AS MATERIALIZED (
        SELECT id, organization_id, dense_rank() OVER (ORDER BY organization_id) AS number
        FROM rollcall.sessions
        WHERE started_at >= %(since)s - interval '31 days' AND started_at < %(until)s
            AND (started_at >= %(since)s OR coalesce(ended_at, last_event_at + interval '24 hours') >= %(since)s)
    ), organizations AS MATERIALIZED (
        SELECT DISTINCT number, organization_id FROM session
    ), steps AS (
        SELECT session.number, step.at, step.change
        FROM session
        CROSS JOIN LATERAL (
            SELECT c.present_from, c.present_until FROM rollcall.connections AS c
            WHERE c.session_id = session.id AND c.present_until > c.present_from OFFSET 0) AS c
        CROSS JOIN LATERAL (VALUES (c.present_from, 1), (c.present_until, -1)) AS step (at, change)
        UNION ALL
        SELECT organizations.number, night.day::timestamp AT TIME ZONE %(tz)s, 0
        FROM organizations
        CROSS JOIN generate_series(%(first)s::date, %(last)s::date - 1, interval '1 day') AS night (day)
    ), peaks AS (
        SELECT number, (at AT TIME ZONE %(tz)s)::date AS day, max(present) AS peak, max(everybody) AS peak_of_all
        FROM (
            SELECT number, at, sum(change) OVER (PARTITION BY number ORDER BY at) AS present,
                sum(change) OVER (ORDER BY at) AS everybody
            FROM steps
        ) AS moments
        WHERE at >= %(since)s AND at < %(until)s GROUP BY 1, 2
    )
    SELECT false AS is_all, organizations.organization_id, peaks.day, peaks.peak
    FROM peaks JOIN organizations USING (number) WHERE peaks.peak > 0
    UNION ALL
    SELECT true, NULL, day, max(peak_of_all) FROM peaks GROUP BY day HAVING max(peak_of_all) > 0"""
_PEAKS_PLAIN = {"is_all", "organization_id", "day", "peak"}
_CAPTURE: LiteralString = """
    SELECT day, organization_id, completeness * (2 * sessions + joins + leaves + recordings) AS captured,
        2 * sessions + joins + leaves + recordings AS happened
    FROM rollcall.capture WHERE day >= %(first)s AND day < %(last)s AND completeness IS NOT NULL"""
_HAS_LOOKUPS: LiteralString = "SELECT EXISTS (SELECT FROM rollcall.lookups) AS has_lookups"
_TOTALS_PLAIN = {"day", "organization_id", "sessions", "participant_minutes", "recording_minutes"}
_CAPTURE_PLAIN = {"day", "organization_id", "captured", "happened"}


@dataclass(frozen=True, slots=True)
class Stamp:
    """What tells whether a day's figures are still right.

    Attributes:
        sessions: how many began on it.
        age: another number whenever a row of them has been written.
        goes_on: whether one of them may be live, so that its figures change by themselves.
    """

    sessions: int
    age: int
    goes_on: bool


@dataclass(frozen=True, slots=True)
class DayFigures:
    """What a day came to for an organization, or for all of them.

    Attributes:
        day: the day.
        organization_id: the organization; None also where sessions name none.
        is_all: whether it is the peak of all organizations together, which has nothing else.
        sessions: how many began.
        participant_minutes: theirs.
        recording_minutes: theirs.
        peak: most connections at once.
        captured: how much of what happened came by webhooks.
        happened: how much happened, as far as the vendor's API was asked.
    """

    day: date
    organization_id: str | None
    is_all: bool
    sessions: int
    participant_minutes: Decimal
    recording_minutes: Decimal
    peak: int
    captured: Decimal
    happened: int


def stamps_of(tables: Tables, tz: str, first: date, last: date) -> dict[date, Stamp]:
    """Return the stamps of the days from `first` to before `last` on which sessions began."""
    rows = tables.rows(_STAMPS, _values(tz, first, last), _STAMPS_PLAIN)
    return {row["day"]: Stamp(row["sessions"], int(row["age"]), row["goes_on"]) for row in rows}


def count_days(tables: Tables, tz: str, first: date, last: date) -> dict[date, list[DayFigures]]:
    """Count the days from `first` to before `last`; those on which nobody was there are left out.

    Args:
        tables: where.
        tz: the zone that days are in. Completeness is known for UTC's days alone.
        first: the first day.
        last: the day after the last.
    """
    values = _values(tz, first, last)
    found: defaultdict[tuple[date, bool, str | None], Row] = defaultdict(dict)
    for row in tables.rows(_TOTALS, values, _TOTALS_PLAIN):
        found[row["day"], False, row["organization_id"]] |= row
    for row in tables.rows(_PEAKS, values, _PEAKS_PLAIN):
        found[row["day"], row["is_all"], row["organization_id"]] |= row
    if tz == "UTC" and tables.rows(_HAS_LOOKUPS, None, {"has_lookups"})[0]["has_lookups"]:
        for row in tables.rows(_CAPTURE, values, _CAPTURE_PLAIN):
            found[row["day"], False, row["organization_id"]] |= row
    days: dict[date, list[DayFigures]] = {}
    for (day, is_all, organization_id), row in found.items():
        figures = DayFigures(
            day, organization_id, is_all, row.get("sessions", 0), row.get("participant_minutes", Decimal(0)),
            row.get("recording_minutes", Decimal(0)), row.get("peak", 0), row.get("captured", Decimal(0)),
            row.get("happened", 0),
        )  # fmt: skip
        days.setdefault(day, []).append(figures)
    return days


def chunks_of(days: Sequence[date], sessions: dict[date, int], most: int) -> list[tuple[date, date]]:
    """Return ranges that hold the days, in their order, each of neighbours with at most `most` sessions.

    Args:
        days: the days, latest first.
        sessions: how many sessions began on each.
        most: a day with more is a range by itself.
    """
    chunks: list[tuple[date, date]] = []
    held = 0
    for day in days:
        held += sessions.get(day, 0)
        if chunks and chunks[-1][0] == day + _DAY and held <= most:
            chunks[-1] = (day, chunks[-1][1])
        else:
            chunks.append((day, day + _DAY))
            held = sessions.get(day, 0)
    return chunks


def _values(tz: str, first: date, last: date) -> dict[str, Any]:
    zone = ZoneInfo(tz)
    return {
        "tz": tz, "first": first, "last": last,
        "since": datetime(first.year, first.month, first.day, tzinfo=zone),
        "until": datetime(last.year, last.month, last.day, tzinfo=zone),
    }  # fmt: skip
