"""Sessions: title and organization, when one started, and what decides that it ended."""

from datetime import datetime
from enum import StrEnum

import msgspec

from workers.reading.facts import SessionFact
from workers.rules.columns import Columns
from workers.rules.rule import Earliest, Key, Latest, ReceivedLast
from workers.rules.times import Believed, IfKnown, Source


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
    last_event_at: datetime
    stated_started_at: datetime | None
    noticed_started_at: datetime | None
    stated_ended_at: datetime | None
    noticed_ended_at: datetime | None


# Any event can state when the session started: the earliest time wins; if none does, `meeting.started`'s time of
# receipt counts.
STARTED_AT = Believed({Source.EVENT: "stated_started_at", Source.RECEIVED: "noticed_started_at"})

# What decides that a session ended: any event can state its end, and the latest time wins; if none does,
# `meeting.ended`'s time of receipt counts. `meeting.status` is LIVE in every event and decides nothing.
ENDED_AT = Believed({Source.EVENT: "stated_ended_at", Source.RECEIVED: "noticed_ended_at"})
STATUS = IfKnown(ENDED_AT, then=SessionStatus.ENDED, otherwise=SessionStatus.LIVE)

SESSIONS = Columns(
    SessionRow,
    {
        "id": Key(),
        "meeting_id": ReceivedLast("meeting_by"),
        "organization_id": ReceivedLast("organization_by"),
        "title": ReceivedLast("title_by"),
        "end_reason": ReceivedLast("end_reason_by"),
        "last_event_at": Latest(),
        "stated_started_at": Earliest(),
        "noticed_started_at": Earliest(),
        "stated_ended_at": Latest(),
        "noticed_ended_at": Latest(),
    },
    {"started_at": STARTED_AT, "ended_at": ENDED_AT, "status": STATUS},
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
