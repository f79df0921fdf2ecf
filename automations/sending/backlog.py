"""How much waits for each endpoint; beyond a limit the oldest are given up, so that the tables stay usable."""

from datetime import timedelta
from typing import Any, LiteralString

import msgspec
import psycopg

from automations.sending.results import let_next_go, lock_sessions

MOST_WAITING = 1_000_000
"""Messages that may wait for one endpoint."""

# Per endpoint: what waits now, and for how long the first of it is due.
_PENDING: LiteralString = """
SELECT endpoint_id, count(*), count(*) FILTER (WHERE next_attempt_at = 'infinity'),
    greatest(0, extract(epoch FROM clock_timestamp() + %s::interval - min(next_attempt_at)))::double precision
FROM rollcall.message_deliveries WHERE status = 'pending' GROUP BY endpoint_id
"""
_ASIDE: LiteralString = """
SELECT count(*) FILTER (WHERE status = 'held'), count(*) FILTER (WHERE status = 'given_up')
FROM rollcall.message_deliveries WHERE status IN ('held', 'given_up')
"""
_MARKS: LiteralString = """
SELECT count(*), coalesce(extract(epoch FROM clock_timestamp() - min(marked_at)), 0)::double precision
FROM rollcall.marks
"""
_OLDEST: LiteralString = """
SELECT message_id, session_id FROM rollcall.message_deliveries
WHERE endpoint_id = %s AND status = 'pending' ORDER BY position LIMIT %s
"""
_GIVE_UP: LiteralString = """
UPDATE rollcall.message_deliveries
SET status = 'given_up', reason = 'overflow', next_attempt_at = NULL, changed_at = clock_timestamp()
WHERE endpoint_id = %s AND message_id = ANY(%s) AND status = 'pending'
"""
_ENDPOINTS: LiteralString = """
SELECT count(*) FILTER (WHERE endpoint.status = 'enabled' AND state.failing_since IS NOT NULL),
    count(*) FILTER (WHERE endpoint.status = 'disabled')
FROM rollcall.endpoints AS endpoint LEFT JOIN rollcall.endpoint_states AS state ON state.endpoint_id = endpoint.id
"""


class Waiting(msgspec.Struct, frozen=True):
    """What waits for an endpoint.

    Attributes:
        endpoint_id: the endpoint.
        pending: messages that wait.
        behind: those of them that wait for an earlier one of their session.
        overdue: seconds since the first of them was due; 0 if none is due.
    """

    endpoint_id: str
    pending: int
    behind: int
    overdue: float


class Backlog(msgspec.Struct, frozen=True):
    """What waits altogether.

    Attributes:
        waiting: per endpoint with anything waiting.
        held: messages held.
        given_up: messages given up.
        marks: changes that were not looked at yet.
        marks_age: seconds since the first of them.
        failing: enabled endpoints that have failed since their last success.
        disabled: disabled endpoints.
    """

    waiting: tuple[Waiting, ...]
    held: int
    given_up: int
    marks: int
    marks_age: float
    failing: int
    disabled: int


def read_backlog(connection: psycopg.Connection[Any], ahead: timedelta) -> Backlog:
    """Return what waits; `ahead` is how far the clock is ahead of the database's."""
    waiting = tuple(Waiting(*row) for row in connection.execute(_PENDING, [ahead]))
    [aside] = connection.execute(_ASIDE).fetchall()
    [marks] = connection.execute(_MARKS).fetchall()
    [endpoints] = connection.execute(_ENDPOINTS).fetchall()
    return Backlog(waiting, *aside, *marks, *endpoints)


def give_up_oldest(connection: psycopg.Connection[Any], endpoint_id: str, excess: int, ahead: timedelta) -> int:
    """Give up the oldest messages that wait for an endpoint; return how many.

    Args:
        connection: outside a transaction.
        endpoint_id: the endpoint.
        excess: how many wait beyond the limit.
        ahead: how far the clock is ahead of the database's.
    """
    with connection.transaction(), connection.cursor() as cursor:
        rows = cursor.execute(_OLDEST, [endpoint_id, excess]).fetchall()
        sessions = {session_id for _, session_id in rows if session_id is not None}
        lock_sessions(cursor, sessions)
        given_up = cursor.execute(_GIVE_UP, [endpoint_id, [message_id for message_id, _ in rows]]).rowcount
        let_next_go(cursor, [(endpoint_id, session_id) for session_id in sessions], ahead)
        return given_up
