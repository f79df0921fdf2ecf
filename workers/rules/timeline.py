"""Timeline entries: each event once, as reported, nothing inferred."""

from collections.abc import Iterator
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec

from workers.reading.facts import Facts
from workers.rules.presence import happened_at

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
