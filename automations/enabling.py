"""Disabling an endpoint and enabling it again, and sending again what was held or given up."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any, LiteralString

import psycopg

from automations.sending.results import let_next_go, lock_sessions
from workers.rules.messages import EndpointStatus, Order
from workers.tables.arrays import Cursor

# Before all else, so that two who change an endpoint at once take turns.
_LOCK: LiteralString = "SELECT status, order_by FROM rollcall.endpoints WHERE id = %s FOR UPDATE"
_DISABLE: LiteralString = """
UPDATE rollcall.endpoints SET status = 'disabled', disabled_reason = %s WHERE id = %s AND status = 'enabled'
"""
_HOLD: LiteralString = """
UPDATE rollcall.message_deliveries
SET status = 'held', reason = 'disabled', next_attempt_at = NULL, changed_at = clock_timestamp()
WHERE endpoint_id = %s AND status = 'pending'
"""
_ENABLE: LiteralString = (
    "UPDATE rollcall.endpoints SET status = 'enabled', disabled_reason = NULL WHERE id = %s AND status = 'disabled'"
)
# What was given up before the failure began, or by the endpoint's own wish, stays given up.
_SET_ASIDE: LiteralString = """
SELECT delivery.message_id, delivery.session_id FROM rollcall.message_deliveries AS delivery
LEFT JOIN rollcall.endpoint_states AS state ON state.endpoint_id = delivery.endpoint_id
WHERE delivery.endpoint_id = %s AND (
    (delivery.status = 'held' AND delivery.reason IS DISTINCT FROM 'old')
    OR (delivery.status = 'given_up' AND delivery.reason IS DISTINCT FROM 'aborted'
        AND delivery.changed_at >= state.failing_since)
)
"""
_CLEAR: LiteralString = """
UPDATE rollcall.endpoint_states SET failing_since = NULL, last_failed_at = NULL, warned = 0, slowed_until = NULL
WHERE endpoint_id = %s
"""
# All at one time, so that they go out by their position.
_AGAIN: LiteralString = """
UPDATE rollcall.message_deliveries
SET status = 'pending', reason = NULL, attempts = 0, delivered_at = NULL, changed_at = clock_timestamp(),
    next_attempt_at = CASE WHEN %s AND session_id IS NOT NULL THEN 'infinity' ELSE now() END
WHERE endpoint_id = %s AND message_id = ANY(%s) AND status <> 'pending'
"""
_HOLDS_BACK: LiteralString = """
UPDATE rollcall.message_deliveries SET next_attempt_at = 'infinity'
WHERE endpoint_id = %s AND session_id = ANY(%s) AND status = 'pending'
"""
_SESSIONS: LiteralString = """
SELECT DISTINCT session_id FROM rollcall.message_deliveries
WHERE endpoint_id = %s AND message_id = ANY(%s) AND session_id IS NOT NULL
"""
_NOTIFY: LiteralString = "SELECT pg_notify('rollcall_messages', '')"


def disable(cursor: Cursor, endpoint_id: str, reason: str) -> int | None:
    """Stop sending to an endpoint, and hold what waits for it.

    Args:
        cursor: in a transaction.
        endpoint_id: the endpoint.
        reason: what people read about it.

    Returns:
        How many messages are held now; None if it was disabled before, or there is none of this id.
    """
    cursor.execute(_LOCK, [endpoint_id])
    if not cursor.execute(_DISABLE, [reason, endpoint_id]).rowcount:
        return None
    held = cursor.execute(_HOLD, [endpoint_id]).rowcount
    cursor.execute(_NOTIFY)
    return held


def hold_again(cursor: Cursor, endpoint_id: str) -> int:
    """Hold what was written for a disabled endpoint while it was being disabled; return how much that was."""
    row = cursor.execute(_LOCK, [endpoint_id]).fetchone()
    return cursor.execute(_HOLD, [endpoint_id]).rowcount if row is not None and row[0] == EndpointStatus.DISABLED else 0


def enable(connection: psycopg.Connection[Any], endpoint_id: str) -> int | None:
    """Send to an endpoint again, with its counters cleared and a whole schedule for what was set aside.

    What is held, and what was given up since the failure began, goes out in order; not what is held as old.

    Args:
        connection: outside a transaction.
        endpoint_id: the endpoint.

    Returns:
        How many messages go out; None if it is enabled already, or there is none of this id.
    """
    with connection.transaction(), connection.cursor() as cursor:
        aside = cursor.execute(_SET_ASIDE, [endpoint_id]).fetchall()
        lock_sessions(cursor, {session_id for _, session_id in aside if session_id is not None})
        cursor.execute(_LOCK, [endpoint_id])
        if not cursor.execute(_ENABLE, [endpoint_id]).rowcount:
            return None
        sent = send_again(cursor, endpoint_id, [message_id for message_id, _ in aside])
        cursor.execute(_CLEAR, [endpoint_id])
        return sent


def send_again(cursor: Cursor, endpoint_id: str, message_ids: Sequence[str]) -> int:
    """Send messages to an enabled endpoint, with a whole schedule each, whatever became of them before.

    Args:
        cursor: in a transaction.
        endpoint_id: the endpoint.
        message_ids: messages that were once meant for it; those that wait already stay as they are.

    Returns:
        How many go out.
    """
    sessions = [session_id for (session_id,) in cursor.execute(_SESSIONS, [endpoint_id, message_ids])]
    lock_sessions(cursor, sessions)
    row = cursor.execute(_LOCK, [endpoint_id]).fetchone()
    is_ordered = row is not None and row[1] == Order.SESSION
    sent = cursor.execute(_AGAIN, [is_ordered, endpoint_id, list(message_ids)]).rowcount
    if is_ordered and sessions:
        # One that waits may be later than one that comes back.
        cursor.execute(_HOLDS_BACK, [endpoint_id, sessions])
        let_next_go(cursor, [(endpoint_id, session_id) for session_id in sessions], timedelta(0))
    cursor.execute(_NOTIFY)
    return sent
