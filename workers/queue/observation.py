"""An observation: one answer of the vendor's API about a session, a participant or a recording."""

from collections.abc import Iterable
from datetime import datetime
from enum import StrEnum
from typing import Annotated, Self
from uuid import UUID

import msgspec

from workers.queue.delivery import Provider

_FIXED_BYTES = 96


class ObservedKind(StrEnum):
    """What an observation is about."""

    SESSION = "session"
    """A run of a meeting."""
    PARTICIPANT = "participant"
    """A row of a session's participants: one connection, or several of one person."""
    RECORDING = "recording"
    """A recording."""


class Observation(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """What the API said about one subject.

    Attributes:
        id: as a delivery's (`workers.queue.delivery.new_delivery_id`), of `observed_at`.
        observed_at: the database's time before the call, UTC, in microseconds.
        source: the dialect of the API.
        kind: what it is about.
        subject_id: the id of that.
        session_id: the session that was asked about, or that the answer names; None if neither.
        organization_id: the organization that the answer names, else that of the credentials.
        body: the JSON object about the subject, without storage settings and stream keys.
    """

    id: UUID
    observed_at: Annotated[datetime, msgspec.Meta(tz=True)]
    source: Provider
    kind: ObservedKind
    subject_id: str
    session_id: str | None
    organization_id: str | None
    body: bytes

    def size(self) -> int:
        """Return its approximate size in bytes: its body and its ids."""
        return _FIXED_BYTES + len(self.body) + len(self.subject_id) + len(self.session_id or "")


class Lookup(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """Everything about a session was asked for: the session, its participants, the recordings of its time.

    Attributes:
        session_id: the session.
        asked_at: the database's time before the first call.
        is_found: whether the vendor knows the session.
        is_ended: whether the vendor says that it has ended.
        participants: how many participants the vendor listed.
    """

    session_id: str
    asked_at: Annotated[datetime, msgspec.Meta(tz=True)]
    is_found: bool
    is_ended: bool
    participants: int


class Answers(msgspec.Struct, frozen=True, array_like=True):
    """What goes to the workers at once: observations, and the lookups that end with them."""

    observations: list[Observation]
    lookups: list[Lookup]

    @classmethod
    def of(cls, many: Iterable[Self]) -> Self:
        """Return several as one, in their order."""
        joined = cls([], [])
        for one in many:
            joined.observations.extend(one.observations)
            joined.lookups.extend(one.lookups)
        return joined
