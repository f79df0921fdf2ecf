"""Removes messages that nobody needs any more, and expired secrets. What was told of a session stays remembered."""

from dataclasses import dataclass
from datetime import timedelta
from typing import LiteralString

from workers.tables.arrays import Cursor

# Messages to look at in one transaction; the locks of their sessions must fit into the server's table of locks.
_AT_ONCE = 500

# Only one process removes at a time: a second one would wait for the same rows.
_TURN: LiteralString = "SELECT pg_try_advisory_xact_lock(hashtextextended('rollcall.upkeep.messages', 0))"
# In the order in which they were made, by the index on it. Messages that were made at the same time may stand in any
# order, so all that are looked at are judged by their own time.
_NEXT: LiteralString = """
SELECT id, position, session_id, created_at < now() - %(keep)s::interval FROM rollcall.messages
WHERE position > %(after)s ORDER BY position LIMIT %(limit)s"""
# A session's lock, as who announces and who sends take it. What is being written now is left for the next time.
_OURS: LiteralString = """
SELECT session_id FROM unnest(%s::text[]) AS session_id
WHERE pg_try_advisory_xact_lock(hashtextextended('rollcall.telling.session:' || session_id, 0))"""
_REMOVE_DELIVERIES: LiteralString = """
WITH removed AS (
    DELETE FROM rollcall.message_deliveries AS delivery
    WHERE message_id = ANY(%(ids)s) AND (
        (status = 'delivered' AND delivered_at < now() - %(keep)s::interval)
        OR (status IN ('held', 'given_up') AND changed_at < now() - %(keep_aside)s::interval)
        OR NOT EXISTS (SELECT FROM rollcall.endpoints WHERE id = delivery.endpoint_id))
    RETURNING message_id, endpoint_id, status
), tried AS (
    DELETE FROM rollcall.attempts USING removed
    WHERE attempts.message_id = removed.message_id AND attempts.endpoint_id = removed.endpoint_id)
SELECT count(*) FILTER (WHERE status IN ('held', 'given_up')) FROM removed"""
# With the tries that were written for an endpoint while it was being removed.
_REMOVE_MESSAGES: LiteralString = """
WITH removed AS (
    DELETE FROM rollcall.messages WHERE id = ANY(%(ids)s)
        AND NOT EXISTS (SELECT FROM rollcall.message_deliveries WHERE message_id = messages.id)
    RETURNING id
), tried AS (DELETE FROM rollcall.attempts USING removed WHERE attempts.message_id = removed.id)
SELECT count(*) FROM removed"""
_REMOVE_SECRETS: LiteralString = "DELETE FROM rollcall.endpoint_secrets WHERE expires_at < now()"


@dataclass(frozen=True, slots=True)
class Removed:
    """What one transaction removed.

    Attributes:
        messages: messages that are gone.
        unsent: deliveries among what is gone that were held or given up.
        after: where to go on; None at the end.
    """

    messages: int
    unsent: int
    after: int | None


def remove_messages(cursor: Cursor, keep: timedelta, keep_aside: timedelta, after: int) -> Removed | None:
    """Remove what is old among the next messages; returns None if another process is at it.

    A message goes once it is older than `keep` and for no endpoint any more.

    Args:
        cursor: in a transaction.
        keep: how long what was delivered is kept, with its tries.
        keep_aside: how long what is held or was given up is kept.
        after: the `position` after which to look.
    """
    [(is_our_turn,)] = cursor.execute(_TURN).fetchall()
    if not is_our_turn:
        return None
    values = {"keep": keep, "keep_aside": keep_aside}
    found = cursor.execute(_NEXT, {**values, "after": after, "limit": _AT_ONCE}).fetchall()
    sessions = sorted({session_id for _, _, session_id, is_old in found if is_old and session_id is not None})
    ours = {session_id for (session_id,) in cursor.execute(_OURS, [sessions])} if sessions else set()
    ids = [id_ for id_, _, session_id, is_old in found if is_old and (session_id is None or session_id in ours)]
    [(unsent,)] = cursor.execute(_REMOVE_DELIVERIES, {**values, "ids": ids}).fetchall()
    [(messages,)] = cursor.execute(_REMOVE_MESSAGES, {"ids": ids}).fetchall()
    is_more = len(found) == _AT_ONCE and any(is_old for *_, is_old in found)
    return Removed(messages, unsent, found[-1][1] if is_more else None)


def remove_expired_secrets(cursor: Cursor) -> int:
    """Remove secrets that sign no more since a rotation; returns how many."""
    return cursor.execute(_REMOVE_SECRETS).rowcount
