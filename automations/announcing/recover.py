"""Telling an endpoint, because someone asks, of sessions that it was not told of: those that are older than it is."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from operator import attrgetter
from typing import Any
from uuid import UUID

import psycopg

from automations.announcing.addressees import DISABLED, Addressee
from automations.announcing.content import content_of
from automations.announcing.entries import standing
from automations.announcing.memory import id_of
from automations.announcing.message import NewMessage
from automations.announcing.outbox import Outgoing, put
from automations.announcing.settled import mark_told, revision_message, states_of, told_of
from automations.announcing.telling import entry_message
from automations.announcing.turns import session_turn, wait_for_turn
from automations.endpoints import Endpoint
from workers.rules.messages import DeliveryStatus, EndpointStatus
from workers.tables.arrays import Cursor
from workers.tables.outcome import outcome_of

_AT_ONCE = 50
_ANY_AGE = timedelta.max

_SESSIONS = """
SELECT id FROM rollcall.sessions WHERE last_event_at >= %s AND id > %s ORDER BY id LIMIT %s
"""
_REMEMBERED = """
INSERT INTO rollcall.tellings (kind, subject, looked_at, changed_at)
SELECT 'session', id, clock_timestamp(), last_event_at FROM rollcall.sessions WHERE id = ANY(%s)
ON CONFLICT (kind, subject) DO NOTHING
"""
_TOLD = """
SELECT pair.delivery, pair.message FROM rollcall.tellings, unnest(told_deliveries, told_messages)
    AS pair (delivery, message)
WHERE kind = 'session' AND subject = ANY(%s)
"""


def recover_sessions(connection: psycopg.Connection[Any], endpoint: Endpoint, since: datetime) -> int:
    """Make messages for one endpoint of all sessions that had an event since a time; return how many it gets.

    What it was told, or is meant to be, it does not get again. Each transaction is whole, so what is interrupted can be
    started again.

    Raises:
        psycopg.Error: the database is away, or its tables are not those of this version.
    """
    count = 0
    after = ""
    while True:
        with connection.transaction(), connection.cursor() as cursor:
            ids = [row[0] for row in cursor.execute(_SESSIONS, [since, after, _AT_ONCE]).fetchall()]
            if not ids:
                return count
            wait_for_turn(cursor, map(session_turn, ids))
            count += _recover(cursor, endpoint, ids)
        after = ids[-1]


def _recover(cursor: Cursor, endpoint: Endpoint, session_ids: Sequence[str]) -> int:
    cursor.execute(_REMEMBERED, [list(session_ids)])
    messages = [*_entries(cursor, session_ids), *_outcomes(cursor, session_ids)]
    status, reason = DeliveryStatus.PENDING, None
    if endpoint.status is EndpointStatus.DISABLED:
        status, reason = DeliveryStatus.HELD, DISABLED
    outgoing = [
        Outgoing(one, (Addressee(endpoint, status, reason),))
        for one in sorted(messages, key=attrgetter("occurred_at"))
        if endpoint.wants(one.type, one.organization_id, one.meeting_id)
    ]
    return put(cursor, outgoing).deliveries


def _entries(cursor: Cursor, session_ids: Sequence[str]) -> list[NewMessage]:
    told: dict[UUID, UUID] = dict(cursor.execute(_TOLD, [list(session_ids)]).fetchall())
    entries = standing(cursor, session_ids)
    content = content_of(cursor, entries, session_ids)
    messages = [entry_message(told.get(entry.id) or id_of(entry), entry, content, _ANY_AGE) for entry in entries]
    return [one for one in messages if one is not None]


def _outcomes(cursor: Cursor, session_ids: Sequence[str]) -> list[NewMessage]:
    messages = []
    for state in states_of(cursor, session_ids):
        outcome = None if state.is_live else outcome_of(cursor, state.session_id)
        if outcome is None:
            continue
        data = told_of(outcome)
        messages.append(revision_message(state, max(state.revision, 1), outcome, data, _ANY_AGE))
        if state.revision == 0:
            mark_told(cursor, state.session_id, 1, data)
    return messages
