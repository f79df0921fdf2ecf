"""Which sessions the vendor's API is to be asked about."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import LiteralString

import msgspec

from workers.tables.arrays import Cursor

# Those that began in the last days; what began earlier is for a backfill. An ended one is due once it is quiet, until
# it was asked about after its end; if the vendor then says that it goes on, or does not know it, it is due again later.
_DUE: LiteralString = """
SELECT session.id, session.organization_id, session.meeting_id, session.started_at, session.ended_at
FROM rollcall.sessions AS session LEFT JOIN rollcall.lookups AS lookup ON lookup.session_id = session.id
WHERE session.started_at > clock_timestamp() - %(days)s AND CASE
    WHEN lookup.session_id IS NULL THEN
        session.status = 'live' OR session.last_event_at < clock_timestamp() - %(quiet)s
    WHEN lookup.is_ended AND lookup.asked_at > session.ended_at THEN false
    WHEN session.status = 'ended' AND lookup.is_found AND lookup.asked_at < session.ended_at THEN
        session.last_event_at < clock_timestamp() - %(quiet)s
    ELSE lookup.asked_at < clock_timestamp() - %(every)s
END
ORDER BY session.started_at LIMIT %(most)s
"""
_LOOKED_UP: LiteralString = """
SELECT session_id, asked_at, is_ended, is_complete FROM rollcall.lookups WHERE session_id = ANY(%s)
"""
_ORGANIZATIONS: LiteralString = """
SELECT DISTINCT organization_id FROM rollcall.sessions
WHERE last_received_at IS NOT NULL AND organization_id IS NOT NULL AND started_at > clock_timestamp() - %s::interval
"""


_CAME_OF: LiteralString = """
SELECT
    count(*) FILTER (WHERE last_received_at IS NULL), count(*) FILTER (WHERE started_source = 'api'),
    count(*) FILTER (WHERE ended_source = 'api'),
    coalesce(sum(p.connections), 0), coalesce(sum(p.joins), 0), coalesce(sum(p.leaves), 0)
FROM rollcall.sessions AS session, LATERAL (
    SELECT
        count(*) FILTER (
            WHERE stated_joined_at IS NULL AND noticed_joined_at IS NULL AND last_left_at IS NULL) AS connections,
        count(*) FILTER (WHERE joined_source = 'api') AS joins, count(*) FILTER (WHERE left_source = 'api') AS leaves
    FROM rollcall.participants WHERE session_id = session.id) AS p
WHERE session.id = ANY(%s)
"""
_UNSETTLED: LiteralString = """
SELECT count(*) FROM unnest(%s::text[]) AS asked (id)
WHERE NOT EXISTS (
    SELECT FROM rollcall.lookups WHERE session_id = asked.id AND asked_at >= %s AND (is_complete OR NOT is_found))
"""


class CameOf(msgspec.Struct, frozen=True):
    """What sessions owe to the vendor's API.

    Attributes:
        sessions: how many no event names.
        starts: how many starts only it states.
        ends: how many ends, likewise.
        connections: how many connections no event names.
        joins: how many joins only it states.
        leaves: how many leaves, likewise.
    """

    sessions: int = 0
    starts: int = 0
    ends: int = 0
    connections: int = 0
    joins: int = 0
    leaves: int = 0

    def __add__(self, other: "CameOf") -> "CameOf":
        """Return the sum of both."""
        return CameOf(
            *(a + b for a, b in zip(msgspec.structs.astuple(self), msgspec.structs.astuple(other), strict=True))
        )


class DueSession(msgspec.Struct, frozen=True):
    """A session that is to be asked about, as the tables have it."""

    id: str
    organization_id: str | None
    meeting_id: str | None
    started_at: datetime | None
    ended_at: datetime | None


class LookedUp(msgspec.Struct, frozen=True):
    """When a session was last asked about, and whether it had ended by then; `is_complete`: it is in the tables."""

    asked_at: datetime
    is_ended: bool
    is_complete: bool


def due_sessions(cursor: Cursor, days: timedelta, quiet: timedelta, every: timedelta, most: int) -> list[DueSession]:
    """Return sessions that the API is to be asked about now, earliest first.

    Args:
        cursor: to look with.
        days: how long ago they may have begun.
        quiet: how long nothing must have come of an ended one.
        every: how often one that goes on is asked about.
        most: how many at most.
    """
    values = {"days": days, "quiet": quiet, "every": every, "most": most}
    return [DueSession(*row) for row in cursor.execute(_DUE, values).fetchall()]


def looked_up(cursor: Cursor, session_ids: Sequence[str]) -> dict[str, LookedUp]:
    """Return the last lookups of sessions that have any."""
    rows = cursor.execute(_LOOKED_UP, [list(session_ids)]).fetchall()
    return {session_id: LookedUp(*rest) for session_id, *rest in rows}


def came_of(cursor: Cursor, session_ids: Sequence[str]) -> CameOf:
    """Return what sessions owe to the vendor's API."""
    row = cursor.execute(_CAME_OF, [list(session_ids)]).fetchone()
    return CameOf() if row is None else CameOf(*map(int, row))


def unsettled(cursor: Cursor, session_ids: Sequence[str], since: datetime) -> int:
    """Return how many of the sessions asked about since a time are not in the tables yet."""
    row = cursor.execute(_UNSETTLED, [list(session_ids), since]).fetchone()
    return 0 if row is None else int(row[0])


def organizations_of_events(cursor: Cursor, days: timedelta) -> set[str]:
    """Return the organizations that events of the last days name."""
    return {row[0] for row in cursor.execute(_ORGANIZATIONS, [days]).fetchall()}
