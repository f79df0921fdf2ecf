"""Comparing what was told of a subject with what stands: pure, but for the statement that writes it down."""

from collections.abc import Collection, Iterable, Mapping
from uuid import UUID

import msgspec

from automations.announcing import identity
from automations.announcing.entries import Difference, TimelineEntry
from workers.rules.timeline import observed_entry_id
from workers.rules.times import Source
from workers.tables.arrays import Cursor

_REMEMBER = """
UPDATE rollcall.tellings AS telling SET
    told_deliveries = array(
        SELECT delivery FROM unnest(told_deliveries) AS delivery WHERE delivery <> ALL(%(forgotten)s)
    ) || %(deliveries)s,
    told_messages = array(
        SELECT pair.message FROM unnest(told_deliveries, told_messages) AS pair (delivery, message)
        WHERE pair.delivery <> ALL(%(forgotten)s)
    ) || %(messages)s,
    withdrawn = withdrawn || %(withdrawn)s
WHERE kind = %(kind)s AND subject = %(subject)s
"""
_APPEND = """
UPDATE rollcall.tellings SET
    told_deliveries = told_deliveries || %(deliveries)s,
    told_messages = told_messages || %(messages)s
WHERE kind = %(kind)s AND subject = %(subject)s
"""


class News(msgspec.Struct, frozen=True):
    """What is to be told of one subject, and to be remembered.

    Attributes:
        entries: those to tell, each with the id of its message.
        withdrawn: ids of messages whose entries no longer stand.
        remembered: pairs of entry and message to remember from now on.
        forgotten: entries whose pairs no longer hold.
    """

    entries: tuple[tuple[UUID, TimelineEntry], ...]
    withdrawn: tuple[UUID, ...]
    remembered: tuple[tuple[UUID, UUID], ...]
    forgotten: tuple[UUID, ...]


def news(differences: Iterable[Difference], withdrawn_before: frozenset[UUID]) -> News:
    """Return what the differences of one subject come down to.

    An entry that is another delivery's now, or another place in the row of its copies, but says what a message has
    said, is no news. Neither is an event's that has taken the place of one of the vendor's API.
    """
    told: dict[UUID, UUID] = {}
    present: list[TimelineEntry] = []
    for one in differences:
        if one.told_message is not None and one.told_by is not None:
            told[one.told_message] = one.told_by
        if one.entry is not None:
            present.append(one.entry)
    by_entry = {entry_id: message_id for message_id, entry_id in told.items()}
    standing: dict[UUID, tuple[UUID, TimelineEntry]] = {}
    for entry in sorted(present, key=lambda entry: (entry.occurred_at, entry.id)):
        key = _told_as(entry, by_entry)
        message_id = by_entry.get(key) if key is not None else None
        if key is None or message_id is None or message_id in standing:
            message_id, key = identity.standing_again(id_of(entry), withdrawn_before), entry.id
        standing[message_id] = key, entry
    entries = tuple((id_, entry) for id_, (_, entry) in standing.items() if id_ not in told)
    withdrawn = tuple(id_ for id_ in told if id_ not in standing)
    moved = [id_ for id_, (key, _) in standing.items() if id_ in told and told[id_] != key]
    return News(
        entries,
        withdrawn,
        tuple((standing[id_][0], id_) for id_ in [*(id_ for id_, _ in entries), *moved]),
        tuple(told[id_] for id_ in [*withdrawn, *moved]),
    )


def _told_as(entry: TimelineEntry, by_entry: Mapping[UUID, UUID]) -> UUID | None:
    """Return the id of the API's entry as which an entry was told; None if its own content says what it is told as."""
    if entry.source == Source.API:
        return entry.id
    if entry.id in by_entry or entry.session_id is None:
        return None
    return observed_entry_id(entry.session_id, entry.kind, entry.subject_id)


def without(what: News, untold: Collection[UUID]) -> News:
    """Return news without the entries that can't be told, to be looked at again."""
    return News(
        tuple((id_, entry) for id_, entry in what.entries if id_ not in untold),
        what.withdrawn,
        tuple((delivery, message) for delivery, message in what.remembered if message not in untold),
        what.forgotten,
    )


def remember(cursor: Cursor, kind: str, subject: str, what: News) -> None:
    """Write down what is told of a subject now."""
    values = {
        "kind": kind,
        "subject": subject,
        "deliveries": [delivery for delivery, _ in what.remembered],
        "messages": [message for _, message in what.remembered],
        "forgotten": list(what.forgotten),
        "withdrawn": list(what.withdrawn),
    }
    if what.forgotten:
        cursor.execute(_REMEMBER, values)
    elif what.remembered:
        cursor.execute(_APPEND, values)


def id_of(entry: TimelineEntry) -> UUID:
    """Return the id of an entry's message, if it was never withdrawn."""
    if entry.copy is None:
        return identity.of_entry(entry.kind, entry.session_id, entry.subject_id, entry.occurred_at)
    return identity.of_copy(entry.kind, entry.session_id, entry.subject_id, entry.digest, entry.copy)
