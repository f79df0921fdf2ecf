"""Telling of new entries of the timeline and of withdrawn ones: marks → messages."""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from itertools import groupby
from operator import attrgetter
from typing import LiteralString
from uuid import UUID

from automations.announcing import identity
from automations.announcing.ages import ages_of
from automations.announcing.content import Content, Row, content_of
from automations.announcing.entries import TimelineEntry, differences
from automations.announcing.identity import webhook_id
from automations.announcing.memory import news, remember, without
from automations.announcing.message import NewMessage
from automations.announcing.quarantined import quarantined_messages
from automations.announcing.streams import mark_streams, wait_for_meeting
from automations.announcing.taking import Taken
from workers.tables.arrays import Cursor
from workers.tables.marks import MarkKind

_TOLD: LiteralString = """
SELECT id, occurred_at, body -> 'data' -> 'entry', created_at, now()
FROM rollcall.messages WHERE id = ANY(%s)
"""


def messages_of(cursor: Cursor, taken: Taken, announce_within: timedelta) -> list[NewMessage]:
    """Return what is to be told of the subjects that were taken, in the order in which it happened, and remember it."""
    mark_streams(cursor, taken.sessions)
    messages: list[NewMessage] = []
    for kind, subjects in ((MarkKind.SESSION, taken.sessions), (MarkKind.LIVESTREAM, taken.livestreams)):
        messages += _of_timeline(cursor, kind, subjects, taken, announce_within)
    messages += quarantined_messages(cursor, taken.deliveries, announce_within)
    return sorted(messages, key=attrgetter("occurred_at"))


def entry_message(id_: UUID, entry: TimelineEntry, content: Content, announce_within: timedelta) -> NewMessage | None:
    """Return the message of an entry; None if nothing is told of its subject: its session, or meeting, is not known."""
    session = content.sessions.get(entry.session_id) if entry.session_id is not None else None
    about = content.about(entry)
    if session is not None:
        meeting_id, organization_id = session["meeting_id"], session["organization_id"]
    else:
        meeting_id = (about.get("livestream") or {}).get("meeting_id")
        if entry.session_id is not None or meeting_id is None or meeting_id not in content.organizations:
            return None
        organization_id = content.organizations[meeting_id]
    return NewMessage(
        id_,
        entry.kind,
        entry.occurred_at,
        {"session": session, "entry": entry.row(), **about},
        entry.session_id,
        meeting_id,
        organization_id,
        _known_since(entry, session),
        is_old=entry.committed_at - content.ages.of(entry, meeting_id) > announce_within,
    )


def _known_since(entry: TimelineEntry, session: Row | None) -> datetime:
    """Return the earliest time at which the delivery can have been received, whatever the receiver's clock says."""
    started_at = session["started_at"] if session is not None else None
    return max(entry.received_at, entry.occurred_at, started_at or entry.received_at)


def _of_timeline(
    cursor: Cursor, kind: MarkKind, subjects: Sequence[str], taken: Taken, announce_within: timedelta
) -> list[NewMessage]:
    found = sorted(differences(cursor, kind, subjects), key=attrgetter("subject"))
    changes = {
        subject: news(ones, taken.withdrawn.get((kind, subject), frozenset()))
        for subject, ones in groupby(found, key=attrgetter("subject"))
    }
    entries = [entry for what in changes.values() for _, entry in what.entries]
    content = content_of(cursor, entries, changes if kind is MarkKind.SESSION else ())
    messages: list[NewMessage | None] = []
    for subject, what in changes.items():
        made = {id_: entry_message(id_, entry, content, announce_within) for id_, entry in what.entries}
        messages += made.values()
        untold = {id_ for id_, message in made.items() if message is None}
        remember(cursor, kind, subject, without(what, untold))
        if untold and kind is MarkKind.LIVESTREAM:
            wait_for_meeting(cursor, subject)
        session_id = subject if kind is MarkKind.SESSION else None
        messages += _withdrawals(cursor, session_id, what.withdrawn, content, announce_within)
    return [one for one in messages if one is not None]


def _withdrawals(
    cursor: Cursor, session_id: str | None, withdrawn: Iterable[UUID], content: Content, announce_within: timedelta
) -> list[NewMessage]:
    ids = {webhook_id(id_): id_ for id_ in withdrawn}
    if not ids:
        return []
    session = content.sessions.get(session_id) if session_id is not None else None
    ages = ages_of(cursor, [session_id] if session_id is not None else ())
    return [
        NewMessage(
            identity.of_withdrawal(ids[told]),
            "entry.withdrawn",
            occurred_at,
            {"session": session, "entry": entry, "message": told},
            session_id,
            session["meeting_id"] if session else None,
            session["organization_id"] if session else None,
            told_at,
            # As old as its session at least: what an entry that states no time was held for, its withdrawal is too.
            is_old=now - min(occurred_at, ages.sessions.get(session_id or "", occurred_at)) > announce_within,
        )
        for told, occurred_at, entry, told_at, now in cursor.execute(_TOLD, [sorted(ids)]).fetchall()
    ]
