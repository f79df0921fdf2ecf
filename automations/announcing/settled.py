"""Telling what a session came to, once it has settled, and what of that has changed since."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

import msgspec

from automations.announcing import changes, identity
from automations.announcing.message import NewMessage
from automations.announcing.turns import session_turn, take_turns
from workers.tables.arrays import Cursor
from workers.tables.outcome import Outcome, outcome_of

# Rows of attendance in a message; of more there is the number.
MOST_ROWS = 500
# How long a session waits for the vendor's API to be asked about it, and how often it is looked whether it was.
_WAITS_FOR_API = timedelta(minutes=15)
_LOOKS_AGAIN_AFTER = timedelta(seconds=5)

_DUE = """
SELECT subject FROM rollcall.tellings AS telling
WHERE kind = 'session' AND due_at <= clock_timestamp() AND NOT EXISTS (
    SELECT FROM rollcall.marks AS mark WHERE mark.kind = 'session' AND mark.subject = telling.subject
)
ORDER BY due_at LIMIT %s
"""
_STATES = """
SELECT telling.subject, telling.revision, telling.digest, telling.leaves, telling.changed_at, telling.settled_at,
    session.last_event_at, coalesce(session.ended_at, session.last_event_at + interval '24 hours'),
    session.status = 'live' AND session.last_event_at + interval '24 hours' > clock_timestamp(),
    CASE WHEN EXISTS (SELECT FROM rollcall.reconciliations WHERE name = 'reconcile')
        THEN coalesce(lookup.is_complete AND lookup.is_ended, false) END,
    clock_timestamp() - telling.changed_at
FROM rollcall.tellings AS telling JOIN rollcall.sessions AS session ON session.id = telling.subject
LEFT JOIN rollcall.lookups AS lookup ON lookup.session_id = session.id
WHERE telling.kind = 'session' AND telling.subject = ANY(%s)
ORDER BY 8, telling.subject
"""
_LATER = """
UPDATE rollcall.tellings AS telling SET due_at = session.last_event_at + interval '24 hours'
FROM rollcall.sessions AS session
WHERE telling.kind = 'session' AND telling.subject = %s AND session.id = telling.subject
"""
_WAIT = """
UPDATE rollcall.tellings SET due_at = clock_timestamp() + %s WHERE kind = 'session' AND subject = %s
"""
_DONE = """
UPDATE rollcall.tellings SET due_at = NULL, revision = %s, digest = %s, leaves = %s,
    settled_at = coalesce(settled_at, clock_timestamp())
WHERE kind = 'session' AND subject = %s
"""
_NOT_DUE = "UPDATE rollcall.tellings SET due_at = NULL WHERE kind = 'session' AND subject = ANY(%s)"


class Settled(msgspec.Struct, frozen=True):
    """A session that has settled, as last told.

    Attributes:
        session_id: the session.
        revision: how often it was told; 0: never.
        digest: of what was told last.
        leaves: likewise, of each member.
        changed_at: when its last change was committed.
        settled_at: when it was told first.
        last_event_at: see the table `sessions`.
        timestamp: when it ended, or counts as ended.
        is_live: whether it may go on: no end is known, and the day after its last event has not passed.
        is_reconciled: whether the vendor's API was asked about it after its end; None if nobody asks it.
        unchanged_for: how long nothing of it has changed.
    """

    session_id: str
    revision: int
    digest: bytes | None
    leaves: bytes | None
    changed_at: datetime
    settled_at: datetime | None
    last_event_at: datetime
    timestamp: datetime
    is_live: bool
    is_reconciled: bool | None
    unchanged_for: timedelta


def due(cursor: Cursor, most: int) -> list[str]:
    """Return sessions that have been quiet long enough, and are this transaction's until it ends."""
    sessions = [row[0] for row in cursor.execute(_DUE, [most]).fetchall()]
    ours = set(take_turns(cursor, map(session_turn, sessions)))
    return [one for one in sessions if session_turn(one) in ours]


def settled_messages(
    cursor: Cursor, session_ids: Sequence[str], announce_within: timedelta, settle_after: timedelta
) -> list[NewMessage]:
    """Return what is to be told of sessions that are due, in the order in which they ended, and remember it.

    Args:
        cursor: in a transaction.
        session_ids: the sessions.
        announce_within: what ended longer ago when it changed is held.
        settle_after: how long nothing of them had to change.
    """
    states = states_of(cursor, session_ids)
    messages: list[NewMessage] = []
    later: set[str] = set()
    for state in states:
        if state.is_live:
            cursor.execute(_LATER, [state.session_id])
            later.add(state.session_id)
            continue
        if state.is_reconciled is False and state.unchanged_for < settle_after + _WAITS_FOR_API:
            cursor.execute(_WAIT, [_LOOKS_AGAIN_AFTER, state.session_id])
            later.add(state.session_id)
            continue
        outcome = outcome_of(cursor, state.session_id)
        if outcome is None:
            continue
        data = told_of(outcome)
        if changes.digest(data) != state.digest:
            messages.append(revision_message(state, state.revision + 1, outcome, data, announce_within))
            mark_told(cursor, state.session_id, state.revision + 1, data)
    cursor.execute(_NOT_DUE, [[one for one in session_ids if one not in later]])
    return messages


def states_of(cursor: Cursor, session_ids: Sequence[str]) -> list[Settled]:
    """Return what was told last of sessions that are remembered, in the order in which they ended."""
    return [Settled(*row) for row in cursor.execute(_STATES, [list(session_ids)]).fetchall()]


def mark_told(cursor: Cursor, session_id: str, revision: int, data: dict[str, Any]) -> None:
    """Remember what a revision says."""
    cursor.execute(_DONE, [revision, changes.digest(data), changes.leaves(data), session_id])


def told_of(outcome: Outcome) -> dict[str, Any]:
    """Return the members of `data` that say what a session came to."""
    attendance: dict[str, Any] = {"attendance": outcome.attendance}
    if len(outcome.attendance) > MOST_ROWS:
        attendance = {"attendance_total": len(outcome.attendance)}
    return {"session": outcome.summary, **attendance, "recordings": outcome.recordings}


def revision_message(
    state: Settled, revision: int, outcome: Outcome, data: dict[str, Any], announce_within: timedelta
) -> NewMessage:
    """Return the message of a revision that says `data`."""
    more: dict[str, Any] = {"revision": revision, "reconciled": state.is_reconciled}
    if revision > 1:
        more["changed"] = changes.changed(state.leaves or b"", data)
    return NewMessage(
        identity.of_revision(revision_type(revision), state.session_id, revision),
        revision_type(revision),
        state.timestamp,
        {**data, **more},
        state.session_id,
        outcome.summary["meeting_id"],
        outcome.summary["organization_id"],
        # An endpoint that was there when the session was first told gets its revisions, however old its last event.
        max(
            state.last_event_at,
            outcome.summary["ended_at"] or state.last_event_at,
            state.settled_at or state.last_event_at,
        ),
        is_old=state.changed_at - state.timestamp > announce_within,
    )


def revision_type(revision: int) -> str:
    """Return the type of a revision's message."""
    return "session.settled" if revision == 1 else "session.revised"
