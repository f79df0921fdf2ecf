"""Timeline entries: each event once, as reported, nothing inferred.

What no event reports, the vendor's API may state. Its entry stands only while no event reports that kind for that
subject.
"""

from collections.abc import Iterator
from datetime import datetime
from typing import Any
from uuid import UUID, uuid5

import msgspec

from workers.reading.facts import Facts, PresenceKind
from workers.reading.observed_facts import ObservedConnection, ObservedSession
from workers.rules.presence import happened_at

# Any fixed UUID does, but it must never change: what was told of an entry is remembered by its id.
_OBSERVED = UUID("0d3b1d4c-7a52-5b8e-8f0e-6c2a41d7e9b5")

EntryKey = tuple[str | None, str, str, datetime]


class Entry(msgspec.Struct, frozen=True, gc=False):
    """A row of `timeline`.

    Deliveries that report the same kind for the same subject at the same time share one entry, the earliest's.
    """

    session_id: str | None
    kind: str
    subject_id: str
    occurred_at: datetime
    detail: dict[str, Any]
    delivery_id: UUID

    @property
    def key(self) -> EntryKey:
        """What makes two entries the same one."""
        return (self.session_id, self.kind, self.subject_id, self.occurred_at)


class ObservedEntry(msgspec.Struct, frozen=True, gc=False):
    """A row of `timeline` that an observation states; there is at most one of a kind for a subject.

    Its id is the same whatever the observation and the time.
    """

    id: UUID
    session_id: str
    kind: str
    subject_id: str
    occurred_at: datetime
    detail: dict[str, Any]
    observation_id: UUID


# The kinds of entries that an observation of each subject may state.
SESSION_ENTRIES = ("session.started", "session.ended")
PARTICIPANT_ENTRIES = tuple(f"participant.{kind}" for kind in PresenceKind)


def observed_entry_id(session_id: str, kind: str, subject_id: str) -> UUID:
    """Return the id of an entry that an observation states."""
    # The length of each part keeps two lists of parts with one joined text apart.
    return uuid5(_OBSERVED, "".join(f"{len(part)}:{part}" for part in (session_id, kind, subject_id)))


def observed_entry(  # noqa: PLR0913, PLR0917 - the members of the entry
    session_id: str, kind: str, subject_id: str, occurred_at: datetime, detail: dict[str, Any], observation_id: UUID
) -> ObservedEntry:
    """Return the entry of an observation, with its id."""
    id_ = observed_entry_id(session_id, kind, subject_id)
    return ObservedEntry(id_, session_id, kind, subject_id, occurred_at, detail, observation_id)


def entries_of_session(session_id: str, observation_id: UUID, fact: ObservedSession) -> Iterator[ObservedEntry]:
    """Yield the entries that an observation of a session states."""
    for kind, at, detail in (
        ("session.started", fact.started_at, _stated(title=fact.title)),
        ("session.ended", fact.ended_at, {}),
    ):
        if at is not None:
            yield observed_entry(session_id, kind, session_id, at, detail, observation_id)


def entries_of_connection(session_id: str, observation_id: UUID, fact: ObservedConnection) -> Iterator[ObservedEntry]:
    """Yield the entries that an observation of a participant states about a connection."""
    detail = _stated(display_name=fact.display_name, custom_participant_id=fact.custom_participant_id)
    for kind, at in ((PresenceKind.JOINED, fact.joined_at), (PresenceKind.LEFT, fact.left_at)):
        if at is not None:
            yield observed_entry(session_id, f"participant.{kind}", fact.peer_id, at, detail, observation_id)


def entries_of(facts: Facts, delivery_id: UUID, received_at: datetime) -> Iterator[Entry]:
    """Yield the entries of a body's facts, except a status update's, which depend on the subject's other updates.

    An entry occurred at the time that the event states, else when its delivery was received.
    """
    session = facts.session
    if session is None:
        return
    if session.starts:
        detail = _stated(title=session.title)
        yield Entry(session.id, "session.started", session.id, session.started_at or received_at, detail, delivery_id)
    if session.ends:
        detail = _stated(reason=session.end_reason)
        yield Entry(session.id, "session.ended", session.id, session.ended_at or received_at, detail, delivery_id)
    if facts.participant is not None:
        participant = facts.participant
        detail = _stated(display_name=participant.display_name, custom_participant_id=participant.custom_participant_id)
        kind = f"participant.{participant.kind}"
        at = happened_at(participant, received_at)
        yield Entry(session.id, kind, participant.peer_id, at, detail, delivery_id)
    if facts.artifact is not None:
        yield Entry(session.id, f"{facts.artifact.kind}.available", session.id, received_at, {}, delivery_id)


def _stated(**members: str | None) -> dict[str, Any]:
    return {name: value for name, value in members.items() if value is not None}
