"""Reads recordings over all sessions, and whether their files have arrived."""

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import LiteralString

from console.queries.conditions import Conditions, Range
from console.queries.sessions import Place
from console.queries.tables import Row, Tables

_LISTED: LiteralString = """
    SELECT s.started_at AS session_started_at, s.title, r.id, r.session_id, r.status, r.started_at, r.stopped_at,
        r.duration_seconds, r.file_size, r.file_name, r.download_url_expires_at, r.stop_reason
    FROM rollcall.sessions AS s JOIN rollcall.recordings AS r ON r.session_id = s.id WHERE """
_IN_ORDER: LiteralString = " ORDER BY s.started_at DESC, r.id LIMIT %(limit)s"
_COUNT: LiteralString = """
    SELECT count(*) AS number FROM (
        SELECT FROM rollcall.sessions AS s JOIN rollcall.recordings AS r ON r.session_id = s.id WHERE """
_MOST: LiteralString = " LIMIT %(limit)s) AS few"
_HAS_STOPPED: LiteralString = "(r.stopped_at IS NOT NULL OR s.status = 'ended' OR r.status = 'ERRORED')"


class Arrival(StrEnum):
    """Whether a recording's file has arrived."""

    ARRIVED = "arrived"
    """The vendor has uploaded it."""
    MISSING = "missing"
    """The recording or its session has ended, and nothing says that the file was uploaded."""
    RUNNING = "running"
    """It is still being recorded."""


_ARRIVALS: dict[Arrival, LiteralString] = {
    Arrival.ARRIVED: "r.status = 'UPLOADED'",
    Arrival.MISSING: f"r.status IS DISTINCT FROM 'UPLOADED' AND {_HAS_STOPPED}",
    Arrival.RUNNING: f"r.status IS DISTINCT FROM 'UPLOADED' AND NOT {_HAS_STOPPED}",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordingFilter:
    """Which recordings are meant.

    Attributes:
        started: when their sessions started; with both ends open, in the last 31 days.
        arrival: whether their files have arrived; None: any.
    """

    started: Range = field(default_factory=Range)
    arrival: Arrival | None = None

    @property
    def looks_back(self) -> bool:
        """Whether it looks at the last 31 days."""
        return not (self.started.since or self.started.until)


def place_of_recording(row: Row) -> Place:
    """Return the place of a row of `find_recordings`, to go on from."""
    return Place(is_started=True, at=row["session_started_at"], id=row["id"])


def find_recordings(
    tables: Tables, chosen: RecordingFilter, limit: int, after: Place | None, now: datetime
) -> list[Row]:
    """Return recordings of sessions that are known, those of the latest session first.

    Args:
        tables: where.
        chosen: which.
        limit: how many at most.
        after: where the page before ended.
        now: to look back from.
    """
    conditions = _conditions(tables, chosen, now)
    conditions.values["limit"] = limit
    if after is not None:
        conditions.add("s.started_at <= %(at)s AND (s.started_at < %(at)s OR r.id > %(id)s)", at=after.at, id=after.id)
    return tables.rows(_LISTED + conditions.where + _IN_ORDER, conditions.values)


def count_missing(tables: Tables, since: datetime, most: int) -> int:
    """Return how many recordings of sessions since a time have not arrived, counted up to `most`."""
    conditions = _conditions(tables, RecordingFilter(started=Range(since=since), arrival=Arrival.MISSING), since)
    conditions.values["limit"] = most
    return int(tables.rows(_COUNT + conditions.where + _MOST, conditions.values, {"number"})[0]["number"])


def _conditions(tables: Tables, chosen: RecordingFilter, now: datetime) -> Conditions:
    conditions = Conditions(tables)
    started = chosen.started.looking_back(now)
    conditions.start_in(started)
    if chosen.arrival is not None:
        conditions.add(_ARRIVALS[chosen.arrival])
    return conditions
