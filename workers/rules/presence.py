"""Presence: what makes a participant present or gone."""

from datetime import datetime
from uuid import UUID

import msgspec

from workers.reading.facts import ParticipantFact, PresenceKind
from workers.reading.observed_facts import ObservedConnection
from workers.rules.columns import Columns
from workers.rules.rule import Earliest, Key, Latest, Observed, ReceivedLast
from workers.rules.times import Believed, Derived, OfSession, Source, SourceOf, UnlessLater


class ParticipantRow(msgspec.Struct, frozen=True, gc=False):
    """What a delivery states of one connection."""

    session_id: str
    peer_id: str
    custom_participant_id: str | None
    display_name: str | None
    stated_joined_at: datetime | None
    noticed_joined_at: datetime | None
    last_joined_at: datetime | None
    last_left_at: datetime | None


class ObservedParticipantRow(msgspec.Struct, frozen=True, gc=False):
    """What an observation states of one connection."""

    session_id: str
    peer_id: str
    custom_participant_id: str | None
    display_name: str | None
    observed_by: UUID
    user_id: str | None
    preset_name: str | None
    api_joined_at: datetime | None
    api_left_at: datetime | None
    spans_connections: bool


class ParticipantEventRow(msgspec.Struct, frozen=True, gc=False):
    """A join or a leave, as reported."""

    session_id: str
    peer_id: str
    kind: PresenceKind
    occurred_at: datetime
    delivery_id: UUID


# A participant is known from the first event that names the peer. A leave can state the join too: the earliest stated
# time wins; if none is stated, the vendor's API counts, and without it the join's time of receipt.
JOINED_AT = Believed(
    {Source.EVENT: "stated_joined_at", Source.API: "api_joined_at", Source.RECEIVED: "noticed_joined_at"}
)

# What makes a participant gone: a leave, of an event or else of the vendor's API, unless a later join shows that the
# peer is back; without one, the session's end. A participant with neither is present.
LEFT_AT = Believed(
    {
        Source.EVENT: UnlessLater("last_left_at", than="last_joined_at"),
        Source.API: UnlessLater("api_left_at", than="last_joined_at"),
        Source.SESSION_END: OfSession("ended_at"),
    }
)

_DERIVED: dict[str, Derived] = {
    "joined_at": JOINED_AT,
    "joined_source": SourceOf(JOINED_AT),
    "left_at": LEFT_AT,
    "left_source": SourceOf(LEFT_AT),
}

PARTICIPANTS = Columns(
    ParticipantRow,
    {
        "session_id": Key(),
        "peer_id": Key(),
        "custom_participant_id": ReceivedLast("custom_participant_by"),
        "display_name": ReceivedLast("display_name_by"),
        "stated_joined_at": Earliest(),
        "noticed_joined_at": Earliest(),
        "last_joined_at": Latest(),
        "last_left_at": Latest(),
    },
    _DERIVED,
)

OBSERVED_PARTICIPANTS = Columns(
    ObservedParticipantRow,
    {
        "session_id": Key(),
        "peer_id": Key(),
        "custom_participant_id": ReceivedLast("custom_participant_by"),
        "display_name": ReceivedLast("display_name_by"),
        "observed_by": Latest(),
        "user_id": Observed("observed_by"),
        "preset_name": Observed("observed_by"),
        "api_joined_at": Observed("observed_by"),
        "api_left_at": Observed("observed_by"),
        "spans_connections": Observed("observed_by"),
    },
    _DERIVED,
)


def participant_row(session_id: str, fact: ParticipantFact, received_at: datetime) -> ParticipantRow:
    """Return what a delivery states about a connection."""
    noticed = received_at if fact.kind is PresenceKind.JOINED and fact.joined_at is None else None
    return ParticipantRow(
        session_id,
        fact.peer_id,
        fact.custom_participant_id,
        fact.display_name,
        fact.joined_at,
        noticed,
        fact.joined_at or noticed,
        fact.left_at if fact.kind is PresenceKind.LEFT else None,
    )


def observed_participant_row(
    session_id: str, observation_id: UUID, connection: ObservedConnection
) -> ObservedParticipantRow:
    """Return what an observation states about a connection."""
    return ObservedParticipantRow(
        session_id,
        connection.peer_id,
        connection.custom_participant_id,
        connection.display_name,
        observation_id,
        connection.user_id,
        connection.preset_name,
        connection.joined_at,
        connection.left_at,
        connection.spans_connections,
    )


def happened_at(fact: ParticipantFact, received_at: datetime) -> datetime:
    """Return when a join or a leave happened: the stated time, else its delivery's time of receipt."""
    stated = fact.left_at if fact.kind is PresenceKind.LEFT else fact.joined_at
    return stated or received_at
