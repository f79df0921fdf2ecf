"""Reads lists of sessions, the latest first."""

from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any, LiteralString

from console.failure import CommandFailedError
from console.queries.conditions import LAST_CHARACTER, Conditions, Range, pattern_of
from console.queries.persons import HAS_PERSON, person_values, sessions_within
from console.queries.session_filter import SessionFilter
from console.queries.tables import Row, Tables

_STARTED: LiteralString = "SELECT s.id, s.started_at, s.last_event_at FROM rollcall.sessions AS s WHERE "
_IN_ORDER: LiteralString = " ORDER BY s.started_at DESC, s.id LIMIT %(limit)s"
# The latest sessions first: somebody who is nearly everywhere is in them.
_LATEST: LiteralString = "SELECT s.id, s.started_at, s.last_event_at FROM (SELECT * FROM rollcall.sessions AS s WHERE "
_OF_LATEST: LiteralString = " ORDER BY s.started_at DESC, s.id LIMIT 1500) AS s WHERE "
_SUMMARY: LiteralString = """
    SELECT session_id, meeting_id, organization_id, title, status, started_at, ended_at, duration_seconds,
        people, connections, peak_concurrency, participant_minutes, recording_minutes
    FROM rollcall.session_summary WHERE session_id = ANY(%(ids)s)"""
_HAS_INFERRED: LiteralString = """EXISTS (
    SELECT FROM rollcall.participants AS p WHERE p.session_id = s.id AND p.left_source <> 'event')"""
_HAS_SET_ASIDE: LiteralString = """EXISTS (
    SELECT FROM rollcall.deliveries AS d
    WHERE d.session_id = s.id AND d.status IN ('unknown', 'foreign', 'quarantined'))"""
_OF_PERSON: LiteralString = (
    "s.id = ANY(ARRAY(SELECT p.session_id FROM rollcall.participants AS p WHERE p.custom_participant_id = %(whole)s))"
)
_STARTS_SO: LiteralString = "s.id ~>=~ %(session)s AND s.id ~<~ %(beyond_id)s"
_WORDS = 8
# The view counts; where it comes from is known of the columns that a session has itself.
SUMMARY_PLAIN = ("duration_seconds", "people", "connections", "peak_concurrency", "participant_minutes",
    "recording_minutes")  # fmt: skip


@dataclass(frozen=True, slots=True)
class Place:
    """Where a page of the list ends: the last session's start, or if that is not known its last event, and its id."""

    is_started: bool
    at: datetime
    id: str

    @classmethod
    def of(cls, row: Row) -> "Place":
        """Return the place of a row of `find_sessions`."""
        started = row["started_at"]
        return cls(started is not None, row["last_event_at"] if started is None else started, row["session_id"])

    def __str__(self) -> str:
        return f"{'s' if self.is_started else 'e'}~{self.at.astimezone(UTC).isoformat()}~{self.id}"

    @classmethod
    def read(cls, text: str) -> "Place":
        """Return the place that a text stands for.

        Raises:
            ValueError: it is none.
        """
        kind, at, session_id = text.split("~", 2)
        found = datetime.fromisoformat(at)
        if kind not in {"s", "e"} or found.tzinfo is None:
            raise ValueError
        return cls(kind == "s", found, session_id)


def find_sessions(
    tables: Tables, chosen: SessionFilter, limit: int, after: Place | None = None, now: datetime | None = None
) -> list[Row]:
    """Return the rows of `session_summary` that are chosen, latest first; then those whose start is not known.

    Args:
        tables: where.
        chosen: which.
        limit: how many at most.
        after: where the page before ended.
        now: to look back from, if a filter does; None: it does not.

    Raises:
        HiddenFilterError: the reader may not see what they filter by.
    """
    found: list[Row] = []
    if after is None or after.is_started:
        ranged = replace(chosen, started=_range(chosen, now), person=None)
        conditions = _conditions(tables, ranged, None)
        conditions.add("s.started_at IS NOT NULL", limit=limit)
        if after is not None:
            conditions.add(
                "s.started_at <= %(at)s AND (s.started_at < %(at)s OR s.id > %(id)s)", at=after.at, id=after.id
            )
        found = _started(tables, chosen, conditions, now)
    if len(found) < limit and not (chosen.started.since or chosen.started.until):
        conditions = _conditions(tables, chosen, None)
        conditions.add("s.started_at IS NULL", limit=limit - len(found))
        if after is not None and not after.is_started:
            conditions.add(
                "s.last_event_at <= %(at)s AND (s.last_event_at < %(at)s OR s.id > %(id)s)", at=after.at, id=after.id
            )
        found += tables.rows(
            _STARTED + conditions.where + " ORDER BY s.last_event_at DESC, s.id LIMIT %(limit)s", conditions.values
        )
    return _summaries(tables, found)


def _started(tables: Tables, chosen: SessionFilter, conditions: Conditions, now: datetime | None) -> list[Row]:
    """Return sessions whose start is known, latest first, by conditions that say nothing of people yet."""
    if chosen.person is not None and chosen.among is None:
        values = {**conditions.values, **person_values(tables, chosen.person)}
        latest = tables.rows(_LATEST + conditions.where + _OF_LATEST + HAS_PERSON + _IN_ORDER, values)
        if len(latest) == conditions.values["limit"]:
            return latest
        ids = sessions_within(tables, chosen.person, _range(chosen, now))
        _add_person(conditions, chosen if ids is None else replace(chosen, among=ids))
    return tables.rows(_STARTED + conditions.where + _IN_ORDER, conditions.values)


def summary_of(tables: Tables, session_id: str) -> Row | None:
    """Return a session's row of `session_summary`."""
    rows = tables.rows(_SUMMARY, {"ids": [session_id]}, SUMMARY_PLAIN)
    return rows[0] if rows else None


def _summaries(tables: Tables, found: list[Row]) -> list[Row]:
    ids = [row["id"] for row in found]
    summaries = {row["session_id"]: row for row in tables.rows(_SUMMARY, {"ids": ids}, SUMMARY_PLAIN)}
    return [{**summaries[row["id"]], "last_event_at": row["last_event_at"]} for row in found]


def _conditions(tables: Tables, chosen: SessionFilter, now: datetime | None) -> Conditions:
    conditions = Conditions(tables)
    started = _range(chosen, now)
    conditions.start_in(started)
    if chosen.status is not None:
        conditions.add("s.status = %(status)s", status=chosen.status.value)
    if chosen.meeting is not None:
        conditions.add("s.meeting_id = %(meeting)s", meeting=chosen.meeting)
    if chosen.organization is not None:
        conditions.add("s.organization_id = %(organization)s", organization=chosen.organization)
    if chosen.start_of_id is not None:
        conditions.add(_STARTS_SO, **_start(chosen.start_of_id))
    _add_people(conditions, chosen)
    if chosen.has_inferred:
        conditions.add(_HAS_INFERRED)
    if chosen.has_set_aside:
        conditions.add(_HAS_SET_ASIDE)
    return conditions


def _range(chosen: SessionFilter, now: datetime | None) -> Range:
    return chosen.started.looking_back(now) if now is not None and chosen.looks_back else chosen.started


def _add_person(conditions: Conditions, chosen: SessionFilter) -> None:
    if chosen.among is not None:
        conditions.add("s.id = ANY(%(among)s)", among=list(chosen.among))
    elif chosen.person is not None:
        conditions.add(HAS_PERSON, **person_values(conditions.tables, chosen.person))


def _add_people(conditions: Conditions, chosen: SessionFilter) -> None:
    """Add what looks at columns that not everybody may see."""
    if chosen.title is not None:
        conditions.tables.must_show("sessions", "title")
        words = [f"%{pattern_of(word)}%" for word in chosen.title.split()[:_WORDS]]
        conditions.add("s.title ILIKE ALL(%(words)s)", words=words)
    _add_person(conditions, chosen)
    if chosen.whole_person is not None:
        conditions.tables.must_show("participants", "custom_participant_id")
        conditions.add(_OF_PERSON, whole=chosen.whole_person)


def _start(session_id: str) -> dict[str, str]:
    return {"session": session_id, "beyond_id": session_id + LAST_CHARACTER}


_MOST_NAMED = 5
_ONE: LiteralString = """
    SELECT s.id, s.title, s.status, s.started_at, s.ended_at, s.end_reason, s.meeting_id, s.organization_id,
        s.last_event_at, o.name AS organization_name
    FROM rollcall.sessions s LEFT JOIN rollcall.organizations o ON o.id = s.organization_id
    WHERE s.id = %(session)s"""
_BY_START: LiteralString = """
    SELECT id FROM rollcall.sessions AS s
    WHERE s.id ~>=~ %(session)s AND s.id ~<~ %(beyond_id)s ORDER BY id USING ~<~ LIMIT %(limit)s"""


def session_with(tables: Tables, session_id: str) -> Row | None:
    """Return the session with this id."""
    rows: list[dict[str, Any]] = tables.rows(_ONE, {"session": session_id})
    return rows[0] if rows else None


def find_session(tables: Tables, asked: str) -> Row:
    """Return the session with this id, or the only one whose id starts with it.

    Raises:
        CommandFailedError: there is none, or there are several.
    """
    asked = asked.strip()
    whole = session_with(tables, asked)
    if whole is not None:
        return whole
    ids = [row["id"] for row in tables.rows(_BY_START, {**_start(asked), "limit": _MOST_NAMED})] if asked else []
    if not ids:
        raise CommandFailedError(f"There is no session {asked!r}: list them with `rollcall sessions`.")
    if len(ids) > 1:
        raise CommandFailedError(f"Several sessions start with {asked!r}, give more of the id: {', '.join(ids)}")
    return tables.rows(_ONE, {"session": ids[0]})[0]
