"""Keeping what became of attempts: many at once, in one durable transaction."""

from collections.abc import Collection, Sequence
from datetime import datetime, timedelta
from typing import Any, LiteralString

import msgspec

from automations.announcing.turns import session_turn, wait_for_turn
from automations.sending.failing import Failing
from workers.tables.arrays import Cursor, write_rows

_ATTEMPTS: LiteralString = """
INSERT INTO rollcall.attempts (message_id, endpoint_id, number, at, duration_ms, status, error, answer)
SELECT message_id, endpoint_id,
    1 + coalesce((
        SELECT max(number) FROM rollcall.attempts AS before
        WHERE before.message_id = new.message_id AND before.endpoint_id = new.endpoint_id
    ), 0),
    at, duration_ms, status, error, answer
FROM unnest(%b::text[], %b::text[], %b::timestamptz[], %b::bigint[], %b::bigint[], %b::text[], %b::text[])
    AS new (message_id, endpoint_id, at, duration_ms, status, error, answer)
ON CONFLICT DO NOTHING
"""
# What was held, given up or delivered in the meantime stays so; only a success is true whatever was decided before.
_OUTCOMES: LiteralString = """
UPDATE rollcall.message_deliveries AS delivery
SET status = new.status,
    reason = new.reason,
    attempts = attempts + new.used,
    next_attempt_at = CASE WHEN new.status = 'pending' THEN
        clock_timestamp() + new.ahead + make_interval(secs => new.again_after) END,
    delivered_at = CASE WHEN new.status = 'delivered' THEN clock_timestamp() + new.ahead END,
    changed_at = CASE WHEN new.status = 'pending' THEN changed_at ELSE clock_timestamp() END
FROM unnest(
    %b::text[], %b::text[], %b::text[], %b::text[], %b::bigint[], %b::double precision[], %b::interval[]
) AS new (message_id, endpoint_id, status, reason, used, again_after, ahead)
WHERE delivery.message_id = new.message_id AND delivery.endpoint_id = new.endpoint_id
    AND (delivery.status = 'pending' OR (new.status = 'delivered' AND delivery.status <> 'delivered'))
"""
_STATES: LiteralString = """
UPDATE rollcall.endpoint_states AS state
SET failing_since = CASE
        WHEN new.delivered_at IS NOT NULL THEN new.failing_since
        ELSE coalesce(state.failing_since, new.failing_since) END,
    last_failed_at = coalesce(new.last_failed_at, state.last_failed_at),
    last_delivered_at = coalesce(new.delivered_at, state.last_delivered_at),
    warned = CASE WHEN new.delivered_at IS NOT NULL THEN 0 ELSE state.warned END,
    slowed_until = greatest(state.slowed_until, new.slowed_until)
FROM unnest(%b::text[], %b::timestamptz[], %b::timestamptz[], %b::timestamptz[], %b::timestamptz[])
    AS new (endpoint_id, failing_since, last_failed_at, delivered_at, slowed_until)
WHERE state.endpoint_id = new.endpoint_id
RETURNING state.endpoint_id, state.failing_since, state.last_failed_at, state.warned
"""
# Of each session the first that waits may go now.
NEXT_OF_SESSIONS: LiteralString = """
UPDATE rollcall.message_deliveries AS delivery
SET next_attempt_at = clock_timestamp() + %(ahead)s::interval
FROM (
    SELECT DISTINCT ON (waiting.endpoint_id, waiting.session_id) waiting.endpoint_id, waiting.message_id
    FROM (SELECT DISTINCT * FROM unnest(%(endpoints)s::text[], %(sessions)s::text[]) AS pair (endpoint_id, session_id))
        AS done
    JOIN rollcall.message_deliveries AS waiting
        ON waiting.endpoint_id = done.endpoint_id AND waiting.session_id = done.session_id
        AND waiting.status = 'pending'
    ORDER BY waiting.endpoint_id, waiting.session_id, waiting.position
) AS first
WHERE delivery.endpoint_id = first.endpoint_id AND delivery.message_id = first.message_id
    AND delivery.next_attempt_at = 'infinity'
"""


class AttemptRow(msgspec.Struct, frozen=True):
    """A row of `attempts`, without its number."""

    message_id: str
    endpoint_id: str
    at: datetime
    duration_ms: int
    status: int | None
    error: str | None
    answer: str | None


class Outcome(msgspec.Struct, frozen=True):
    """What an attempt changes in `message_deliveries`.

    Attributes:
        message_id: the message.
        endpoint_id: the endpoint.
        status: as it is now.
        reason: why it is given up, if it is.
        used: 1 if the attempt counts in the schedule, else 0.
        again_after: seconds until the next try, if there is one.
        ahead: how far the clock is ahead of the database's.
    """

    message_id: str
    endpoint_id: str
    status: str
    reason: str | None
    used: int
    again_after: float
    ahead: timedelta


class StateChange(msgspec.Struct, frozen=True):
    """What the attempts of a batch change in a row of `endpoint_states`.

    Attributes:
        endpoint_id: the endpoint.
        failing_since: the first failure after the last success among them; None without one.
        last_failed_at: the last failure.
        delivered_at: the last success.
        slowed_until: until when it is to be left alone.
    """

    endpoint_id: str
    failing_since: datetime | None = None
    last_failed_at: datetime | None = None
    delivered_at: datetime | None = None
    slowed_until: datetime | None = None


def lock_sessions(cursor: Cursor, session_ids: Collection[str]) -> None:
    """Keep others from writing messages of sessions until the transaction ends; before any row is locked."""
    if session_ids:
        wait_for_turn(cursor, [session_turn(session_id) for session_id in session_ids])


def write_results(
    cursor: Cursor, attempts: Sequence[AttemptRow], outcomes: Sequence[Outcome], states: Sequence[StateChange]
) -> list[Failing]:
    """Write attempts and what follows from them; return how the endpoints fare now."""
    write_rows(cursor, _ATTEMPTS, attempts)
    write_rows(cursor, _OUTCOMES, outcomes)
    if not states:
        return []
    write_rows(cursor, _STATES, states)
    return [Failing(*row) for row in cursor.fetchall()]


def let_next_go(cursor: Cursor, done: Collection[tuple[str, str]], ahead: timedelta) -> None:
    """Let the next message of each (endpoint, session) be sent, one of which was delivered or given up."""
    if done:
        endpoints, sessions = zip(*sorted(done), strict=True)
        values: dict[str, Any] = {"endpoints": list(endpoints), "sessions": list(sessions), "ahead": ahead}
        cursor.execute(NEXT_OF_SESSIONS, values)
