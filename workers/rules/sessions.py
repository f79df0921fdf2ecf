"""Sessions: title and organization, when one started, and what decides that it ended."""

from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from uuid import UUID

import msgspec

from workers.reading.facts import SessionFact
from workers.reading.observed_facts import ObservedSession
from workers.rules.columns import Columns
from workers.rules.rule import Earliest, Key, Latest, Observed, ReceivedLast
from workers.rules.times import Believed, Derived, FirstKnown, IfKnown, Source, SourceOf


class SessionStatus(StrEnum):
    """The values of `sessions.status`."""

    LIVE = "live"
    """No end is known. The event of its end may have been lost."""
    ENDED = "ended"
    """An end is known; it stays ended whatever is reported later."""


class SessionRow(msgspec.Struct, frozen=True, gc=False):
    """What a delivery states of a session."""

    id: str
    meeting_id: str | None
    organization_id: str | None
    title: str | None
    end_reason: str | None
    last_received_at: datetime
    stated_started_at: datetime | None
    noticed_started_at: datetime | None
    stated_ended_at: datetime | None
    noticed_ended_at: datetime | None


class ObservedSessionRow(msgspec.Struct, frozen=True, gc=False):
    """What an observation states of a session."""

    id: str
    meeting_id: str | None
    organization_id: str | None
    title: str | None
    observed_by: UUID
    api_started_at: datetime | None
    api_ended_at: datetime | None
    api_minutes: Decimal | None
    api_peak: int | None
    live_at: datetime | None
    first_observed_at: datetime


# Lower than the id of any observation of the session itself.
_NO_ONE = UUID(int=0)

# Any event can state when the session started: the earliest time wins; if none does, the vendor's API counts, and
# without it `meeting.started`'s time of receipt.
STARTED_AT = Believed(
    {Source.EVENT: "stated_started_at", Source.API: "api_started_at", Source.RECEIVED: "noticed_started_at"}
)

# What decides that a session ended: any event can state its end, and the latest time wins; if none does, the vendor's
# API counts, and without it `meeting.ended`'s time of receipt. `meeting.status` is LIVE in every event and decides
# nothing.
ENDED_AT = Believed({Source.EVENT: "stated_ended_at", Source.API: "api_ended_at", Source.RECEIVED: "noticed_ended_at"})
STATUS = IfKnown(ENDED_AT, then=SessionStatus.ENDED, otherwise=SessionStatus.LIVE)

# When the session last gave a sign of life. One that is known only from the API gave it at its end.
LAST_EVENT_AT = FirstKnown(("last_received_at", "live_at"), ("api_ended_at", "first_observed_at"))

_DERIVED: dict[str, Derived] = {
    "started_at": STARTED_AT,
    "started_source": SourceOf(STARTED_AT),
    "ended_at": ENDED_AT,
    "ended_source": SourceOf(ENDED_AT),
    "status": STATUS,
    "last_event_at": LAST_EVENT_AT,
}

SESSIONS = Columns(
    SessionRow,
    {
        "id": Key(),
        "meeting_id": ReceivedLast("meeting_by"),
        "organization_id": ReceivedLast("organization_by"),
        "title": ReceivedLast("title_by"),
        "end_reason": ReceivedLast("end_reason_by"),
        "last_received_at": Latest(),
        "stated_started_at": Earliest(),
        "noticed_started_at": Earliest(),
        "stated_ended_at": Latest(),
        "noticed_ended_at": Latest(),
    },
    _DERIVED,
)

OBSERVED_SESSIONS = Columns(
    ObservedSessionRow,
    {
        "id": Key(),
        "meeting_id": ReceivedLast("meeting_by"),
        "organization_id": ReceivedLast("organization_by"),
        "title": ReceivedLast("title_by"),
        "observed_by": Latest(),
        "api_started_at": Observed("observed_by"),
        "api_ended_at": Observed("observed_by"),
        "api_minutes": Observed("observed_by"),
        "api_peak": Observed("observed_by"),
        "live_at": Latest(),
        "first_observed_at": Earliest(),
    },
    _DERIVED,
)


def session_row(fact: SessionFact, received_at: datetime) -> SessionRow:
    """Return what a delivery states about a session."""
    return SessionRow(
        fact.id,
        fact.meeting_id,
        fact.organization_id,
        fact.title,
        fact.end_reason,
        received_at,
        fact.started_at,
        received_at if fact.starts and fact.started_at is None else None,
        fact.ended_at,
        received_at if fact.ends and fact.ended_at is None else None,
    )


def observed_session_row(
    session_id: str, observation_id: UUID, observed_at: datetime, organization_id: str | None, fact: ObservedSession
) -> ObservedSessionRow:
    """Return what an observation states about its session.

    Args:
        session_id: the session.
        observation_id: the observation.
        observed_at: when it was made.
        organization_id: the organization that it belongs to; RealtimeKit's API may name the app here.
        fact: what the answer states.
    """
    return ObservedSessionRow(
        session_id,
        fact.meeting_id,
        organization_id,
        fact.title,
        observation_id,
        fact.started_at,
        fact.ended_at,
        fact.minutes,
        fact.peak,
        None,
        observed_at,
    )


def seen_session_row(session_id: str, observed_at: datetime, live_at: datetime | None) -> ObservedSessionRow:
    """Return what any observation states about the session that it names: that there is one, and when it was live."""
    return ObservedSessionRow(session_id, None, None, None, _NO_ONE, None, None, None, None, live_at, observed_at)
