"""The facts that one answer of the vendor's API can state. None means not stated or unreadable. Times are in UTC."""

from datetime import datetime
from decimal import Decimal

import msgspec

from workers.reading.facts import RecordingFact


class ObservedSession(msgspec.Struct, frozen=True, gc=False):
    """A session.

    Attributes:
        meeting_id: its meeting.
        title: the meeting's title.
        started_at: when it started.
        ended_at: when it ended.
        is_live: whether the vendor says that it goes on.
        minutes: participant minutes, as the vendor counts them.
        peak: the most participants at once, as the vendor counts them.
    """

    meeting_id: str | None
    title: str | None
    started_at: datetime | None
    ended_at: datetime | None
    is_live: bool
    minutes: Decimal | None
    peak: int | None


class ObservedConnection(msgspec.Struct, frozen=True, gc=False):
    """One connection.

    Attributes:
        peer_id: its id.
        custom_participant_id: the person's id in the user's own app.
        display_name: what they called themselves.
        user_id: the participant of the meeting: the same over rejoins and devices.
        preset_name: the preset.
        joined_at: when it began.
        left_at: when it ended.
        spans_connections: whether the row spans several connections that nothing tells apart.
    """

    peer_id: str
    custom_participant_id: str | None
    display_name: str | None
    user_id: str | None
    preset_name: str | None
    joined_at: datetime | None
    left_at: datetime | None
    spans_connections: bool = False


class ObservedRecording(msgspec.Struct, frozen=True, gc=False):
    """A recording: its status and when it was asked for, beside what its updates state as well."""

    status: str | None
    invoked_at: datetime | None
    states: RecordingFact


class ObservedFacts(msgspec.Struct, frozen=True, gc=False):
    """Everything that one answer states about its subject."""

    session: ObservedSession | None = None
    connections: tuple[ObservedConnection, ...] = ()
    recording: ObservedRecording | None = None
