"""Taking back what no longer holds: a delivery that counted turns out to repeat one that was received earlier.

Merging can only add, so the sessions it names are made anew from the ledger. Meetings and organizations are shared by
too many sessions for that: there the delivery's word becomes that of the first copy, and what was received between
the two, and had lost to the later one, is merged again.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime
from itertools import islice
from operator import itemgetter
from typing import LiteralString
from uuid import UUID

from workers.reading.facts import Facts, MeetingFact, OrganizationFact
from workers.rules.merge import Merge
from workers.settling.subjects import settle_subjects
from workers.settling.write import write_meetings, write_organizations, write_sessions
from workers.tables.arrays import Cursor
from workers.tables.ledger import Withdrawn
from workers.tables.locks import lock
from workers.tables.stored import facts_of

_PROCESSED = """
SELECT id, payload::text, raw, received_at, session_id, meeting_id
FROM rollcall.deliveries
WHERE session_id = ANY(%b::text[]) AND status = 'processed'
ORDER BY id
"""

_EMPTY: tuple[LiteralString, ...] = (
    "DELETE FROM rollcall.sessions WHERE id = ANY(%b::text[])",
    "DELETE FROM rollcall.participants WHERE session_id = ANY(%b::text[])",
    "DELETE FROM rollcall.participant_events WHERE session_id = ANY(%b::text[])",
    "DELETE FROM rollcall.artifacts WHERE session_id = ANY(%b::text[])",
    "DELETE FROM rollcall.timeline WHERE session_id = ANY(%b::text[])",
)

_REDATE_ORGANIZATION = """
UPDATE rollcall.organizations SET name_by = %(first)s WHERE id = %(id)s AND name_by = %(former)s RETURNING id
"""
_REDATE_MEETING = """
UPDATE rollcall.meetings SET
    organization_by = CASE WHEN organization_by = %(former)s THEN %(first)s ELSE organization_by END,
    title_by = CASE WHEN title_by = %(former)s THEN %(first)s ELSE title_by END,
    room_name_by = CASE WHEN room_name_by = %(former)s THEN %(first)s ELSE room_name_by END
WHERE id = %(id)s AND %(former)s IN (organization_by, title_by, room_name_by) RETURNING id
"""
# Only where a first copy states less than the later one did: its times lay too far ahead when it was received.
_OF_MEETING = """
SELECT id, payload::text, raw, received_at, session_id, meeting_id
FROM rollcall.deliveries
WHERE meeting_id = %s AND status = 'processed'
"""
_BEFORE = """
SELECT id, payload::text, raw, received_at, session_id, meeting_id
FROM rollcall.deliveries
WHERE id < %s AND status = 'processed'
ORDER BY id DESC LIMIT %s
"""
_LAST_ID = UUID(int=2**128 - 1)
_AT_ONCE = 500

_BETWEEN = """
SELECT id, payload::text, raw, received_at, session_id, meeting_id
FROM rollcall.deliveries
WHERE id > %(first)s AND id < %(former)s AND status = 'processed'
    AND (%(meeting_id)s::text IS NULL OR meeting_id = %(meeting_id)s)
ORDER BY id DESC
"""


def write_names(cursor: Cursor, merge: Merge, withdrawn: Sequence[Withdrawn] = ()) -> None:
    """Write what a batch says of meetings and organizations, and take back what those say that count no more.

    The rows of withdrawn deliveries are, as a rule, among those that the batch has just locked by writing them.
    """
    write_meetings(cursor, merge)
    meetings = [named for one in withdrawn for named in _take_back_meeting(cursor, one)]
    again = Merge()
    for delivery_id, meeting in sorted(meetings, key=itemgetter(0)):
        again.name_meeting(delivery_id, meeting)
    write_meetings(cursor, again)
    write_organizations(cursor, merge)
    organizations = [named for one in withdrawn for named in _take_back_organization(cursor, one)]
    again = Merge()
    for delivery_id, organization in sorted(organizations, key=itemgetter(0)):
        again.name_organization(delivery_id, organization)
    write_organizations(cursor, again)


def rebuild_sessions(cursor: Cursor, session_ids: Iterable[str]) -> Merge:
    """Make all rows of sessions anew from the ledger; return what their deliveries say, of meetings too."""
    ids = sorted(session_ids)
    if not ids:
        return Merge()
    lock(cursor, ids)
    deliveries = [
        (delivery_id, received_at, facts_of(payload, raw, received_at, *named))
        for delivery_id, payload, raw, received_at, *named in cursor.execute(_PROCESSED, [ids]).fetchall()
    ]
    return write_anew(cursor, deliveries, ids)


def write_anew(
    cursor: Cursor, deliveries: Iterable[tuple[UUID, datetime, Facts | None]], session_ids: Sequence[str]
) -> Merge:
    """Empty the tables of sessions and merge deliveries into them; return the merge, for `write_names` to write.

    Args:
        cursor: in a transaction that has locked the sessions.
        deliveries: id, `received_at` and facts, in the order of the ids: all that name the sessions, or none.
        session_ids: the sessions.
    """
    if session_ids:
        for statement in _EMPTY:
            cursor.execute(statement, [list(session_ids)])
    merge = Merge()
    subjects = set()
    for delivery_id, received_at, facts in deliveries:
        if facts is None:
            continue
        merge.add(delivery_id, received_at, facts)
        if facts.update is not None:
            subjects.add((facts.update.kind, facts.update.subject_id))
    lock(cursor, (), subjects)
    settled = settle_subjects(cursor, sorted(subjects))
    emptied = {None, *session_ids}
    settled.entries = [entry for entry in settled.all_entries if entry.session_id in emptied]
    settled.gone = []
    write_sessions(cursor, merge, settled)
    return merge


def _take_back_organization(cursor: Cursor, one: Withdrawn) -> list[tuple[UUID, OrganizationFact]]:
    """Put the first copy in the place of the later one, or in none; return what may win now."""
    stated = one.facts.organization
    if stated is None:
        return []
    if one.first_facts is None or one.first_facts.organization != stated:
        cursor.execute("DELETE FROM rollcall.organizations WHERE id = %s", [stated.id])
        return _last_words_on_organization(cursor, stated.id)
    cursor.execute(_REDATE_ORGANIZATION, {"id": stated.id, "former": one.former, "first": one.first})
    if not cursor.fetchall():
        return []
    between = ((delivery_id, facts.organization) for delivery_id, facts in _between(cursor, one, None))
    named = ((i, fact) for i, fact in between if fact is not None and fact.id == stated.id and fact.name is not None)
    return list(islice(named, 1))


def _take_back_meeting(cursor: Cursor, one: Withdrawn) -> list[tuple[UUID, MeetingFact]]:
    """Put the first copy in the place of the later one, or in none; return what may win now."""
    stated = one.facts.meeting
    if stated is None:
        return []
    if one.first_facts is None or one.first_facts.meeting != stated:
        cursor.execute("DELETE FROM rollcall.meetings WHERE id = %s", [stated.id])
        rows = cursor.execute(_OF_MEETING, [stated.id]).fetchall()
        said = ((delivery_id, facts_of(*columns)) for delivery_id, *columns in rows)
        return [(i, facts.meeting) for i, facts in said if facts is not None and facts.meeting is not None]
    cursor.execute(_REDATE_MEETING, {"id": stated.id, "former": one.former, "first": one.first})
    if not cursor.fetchall():
        return []
    return [(i, facts.meeting) for i, facts in _between(cursor, one, stated.id) if facts.meeting is not None]


def _last_words_on_organization(cursor: Cursor, organization_id: str) -> list[tuple[UUID, OrganizationFact]]:
    """Return what the last deliveries that name an organization say of it, back to one that states its name."""
    words: list[tuple[UUID, OrganizationFact]] = []
    before = _LAST_ID
    while rows := cursor.execute(_BEFORE, [before, _AT_ONCE]).fetchall():
        for delivery_id, *columns in rows:
            facts = facts_of(*columns)
            stated = facts.organization if facts is not None else None
            if stated is not None and stated.id == organization_id:
                words.append((delivery_id, stated))
                if stated.name is not None:
                    return words
        before = rows[-1][0]
    return words


def _between(cursor: Cursor, one: Withdrawn, meeting_id: str | None) -> Iterable[tuple[UUID, Facts]]:
    """Yield what was received between a first copy and the later one that had counted for it, the latest first."""
    cursor.execute(_BETWEEN, {"first": one.first, "former": one.former, "meeting_id": meeting_id})
    for delivery_id, *columns in cursor.fetchall():
        facts = facts_of(*columns)
        if facts is not None:
            yield delivery_id, facts
