"""The views for analytics, computed a second time from the rows of the tables: who was there when, second by second.

Independent of the views' SQL on purpose: intervals are cut at every moment at which something changes, and each piece
is looked at by itself.
"""

from collections.abc import Iterable, Sequence
from datetime import date, datetime, timedelta
from decimal import Decimal
from itertools import pairwise
from typing import Any

Row = dict[str, Any]
Tables = dict[str, list[Row]]
Stay = tuple[datetime, datetime]

LOST_END_COUNTS = timedelta(hours=24)


def limit_of(session: Row, now: datetime) -> datetime:
    """Return until when something in a session counts whose end is not known."""
    last_event_at: datetime = session["last_event_at"]
    return min(now, last_event_at + LOST_END_COUNTS)


def stays(session: Row, participants: Iterable[Row], now: datetime) -> list[tuple[Row, Stay]]:
    """Return the connections of a session that have a length, each with its start and end."""
    result = []
    for participant in participants:
        begin, end = participant["joined_at"], participant["left_at"] or limit_of(session, now)
        if participant["session_id"] == session["id"] and begin is not None and begin < end:
            result.append((participant, (begin, end)))
    return result


def pieces(intervals: Sequence[Stay]) -> list[tuple[datetime, datetime, int]]:
    """Return the time from the first start to the last end, cut at every change, with how many intervals cover each."""
    cuts = sorted({moment for interval in intervals for moment in interval})
    return [
        (begin, end, sum(start <= begin and end <= stop for start, stop in intervals)) for begin, end in pairwise(cuts)
    ]


def seconds(span: timedelta) -> Decimal:
    """Return a length of time in seconds, exactly."""
    return Decimal(span.days * 86_400 + span.seconds) + Decimal(span.microseconds) / 1_000_000


def covered(intervals: Sequence[Stay]) -> Decimal:
    """Return the seconds that at least one interval covers."""
    return sum((seconds(end - begin) for begin, end, number in pieces(intervals) if number), Decimal(0))


def _length(interval: Stay) -> Decimal:
    return seconds(interval[1] - interval[0])


def _person(participant: Row) -> str:
    return str(participant["custom_participant_id"] or participant["peer_id"])


def attendance(tables: Tables, now: datetime) -> list[Row]:
    """Return the rows of `attendance`, without `display_name`, which does not depend on time."""
    rows = []
    for session in tables["sessions"]:
        ours = [row for row in tables["participants"] if row["session_id"] == session["id"]]
        for person in sorted({_person(row) for row in ours}):
            theirs = [row for row in ours if _person(row) == person]
            leaves = [row["left_at"] for row in theirs]
            rows.append(
                {
                    "session_id": session["id"],
                    "person": person,
                    "first_joined_at": min((row["joined_at"] for row in theirs if row["joined_at"]), default=None),
                    "last_left_at": None if None in leaves else max(leaves),
                    "connections": len(theirs),
                    "attended_seconds": covered([stay for _, stay in stays(session, theirs, now)]),
                }
            )
    return rows


def concurrency(tables: Tables, now: datetime) -> dict[str, list[tuple[datetime, int]]]:
    """Return, by session, the moments at which the number of connections changes, and the number from then on."""
    result = {}
    for session in tables["sessions"]:
        intervals = [stay for _, stay in stays(session, tables["participants"], now)]
        steps: list[tuple[datetime, int]] = []
        for begin, _, number in pieces(intervals):
            if number != (steps[-1][1] if steps else 0):
                steps.append((begin, number))
        # who is still there has not gone: no step down at the present moment
        if steps and (last := max(end for _, end in intervals)) != now:
            steps.append((last, 0))
        result[session["id"]] = steps
    return result


def _recording_seconds(session: Row, recordings: Iterable[Row], now: datetime) -> list[Decimal]:
    result = []
    for recording in recordings:
        if recording["session_id"] != session["id"]:
            continue
        length = recording["duration_seconds"]
        runs = recording["stopped_at"] is None and recording["status"] in {"RECORDING", "PAUSED"}
        if length is None and runs and recording["started_at"] is not None:
            length = seconds((session["ended_at"] or limit_of(session, now)) - recording["started_at"])
        result.append(max(length or Decimal(0), Decimal(0)))
    return result


def _duration(session: Row, now: datetime) -> Decimal:
    if session["started_at"] is None:
        return Decimal(0)
    return max(seconds((session["ended_at"] or limit_of(session, now)) - session["started_at"]), Decimal(0))


def session_summary(tables: Tables, now: datetime) -> list[Row]:
    """Return the rows of `session_summary`; what is not known of a start lasts 0 seconds."""
    rows = []
    for session in tables["sessions"]:
        connections = [row for row in tables["participants"] if row["session_id"] == session["id"]]
        intervals = [stay for _, stay in stays(session, connections, now)]
        columns = ("meeting_id", "organization_id", "title", "status", "started_at", "ended_at")
        rows.append(
            {
                "session_id": session["id"],
                **{column: session[column] for column in columns},
                "duration_seconds": _duration(session, now),
                "people": len({_person(row) for row in connections}),
                "connections": len(connections),
                "peak_concurrency": max((number for _, _, number in pieces(intervals)), default=0),
                "participant_minutes": sum(map(_length, intervals), Decimal(0)) / 60,
                "recording_minutes": sum(_recording_seconds(session, tables["recordings"], now), Decimal(0)) / 60,
            }
        )
    return rows


def daily_usage(tables: Tables, now: datetime) -> list[Row]:
    """Return the rows of `daily_usage`: a session counts whole on the UTC day on which it started."""
    days: dict[tuple[str | None, date | None], Row] = {}
    summaries = {row["session_id"]: row for row in session_summary(tables, now)}
    for session in tables["sessions"]:
        key = (session["organization_id"], session["started_at"] and session["started_at"].date())
        row = days.setdefault(
            key,
            {
                "organization_id": key[0],
                "day": key[1],
                "sessions_count": 0,
                "session_minutes": Decimal(0),
                "participant_minutes": Decimal(0),
                "recordings_count": 0,
                "recording_minutes": Decimal(0),
            },
        )
        summary = summaries[session["id"]]
        row["sessions_count"] += 1
        row["session_minutes"] += summary["duration_seconds"] / 60
        row["participant_minutes"] += summary["participant_minutes"]
        row["recording_minutes"] += summary["recording_minutes"]
        row["recordings_count"] += len(_recording_seconds(session, tables["recordings"], now))
    return list(days.values())
