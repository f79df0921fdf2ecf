"""The facts that one body can state. None means not stated or unreadable. Times are in UTC.

They are frozen, because cached facts are shared.
"""

from datetime import datetime
from enum import StrEnum

import msgspec


class SubjectKind(StrEnum):
    """What a status update is about."""

    RECORDING = "recording"
    """A recording of a session."""
    LIVESTREAM = "livestream"
    """A stream, which may have no session."""


class PresenceKind(StrEnum):
    """What a participant's event reports: the values of `participant_events.kind`."""

    JOINED = "joined"
    """A peer connected."""
    LEFT = "left"
    """A peer disconnected."""


class ArtifactKind(StrEnum):
    """A session's downloads: the values of `artifacts.kind`."""

    CHAT = "chat"
    """A dump of the chat."""
    TRANSCRIPT = "transcript"
    """The transcript."""
    SUMMARY = "summary"
    """The summary."""


class OrganizationFact(msgspec.Struct, frozen=True, gc=False):
    """An organization, by the id in `organizedBy`."""

    id: str
    name: str | None


class MeetingFact(msgspec.Struct, frozen=True, gc=False):
    """A meeting."""

    id: str
    organization_id: str | None
    title: str | None
    room_name: str | None
    created_at: datetime | None


class SessionFact(msgspec.Struct, frozen=True, gc=False):
    """A session.

    Attributes:
        id: the session.
        meeting_id: its meeting.
        organization_id: its organization.
        title: the meeting's title.
        started_at: `startedAt`, which any event can state.
        ended_at: `endedAt`, likewise; nothing else states the end.
        starts: whether this is the event of the session's start.
        ends: whether this is the event of the session's end.
        end_reason: why it ended.
    """

    id: str
    meeting_id: str | None
    organization_id: str | None
    title: str | None
    started_at: datetime | None
    ended_at: datetime | None
    starts: bool = False
    ends: bool = False
    end_reason: str | None = None


class ParticipantFact(msgspec.Struct, frozen=True, gc=False):
    """A join or a leave of one connection."""

    peer_id: str
    kind: PresenceKind
    custom_participant_id: str | None
    display_name: str | None
    joined_at: datetime | None
    left_at: datetime | None


class ArtifactFact(msgspec.Struct, frozen=True, gc=False):
    """A chat dump, transcript or summary that can be downloaded."""

    kind: ArtifactKind
    download_url: str | None
    download_url_expires_at: datetime | None


class RecordingFact(msgspec.Struct, frozen=True, gc=False):
    """What an update states about a recording besides its status. `stated_duration`: seconds; `file_size`: bytes."""

    meeting_id: str | None
    started_at: datetime | None
    stopped_at: datetime | None
    stated_duration: float | None
    file_size: int | None
    file_name: str | None
    download_url: str | None
    audio_download_url: str | None
    download_url_expires_at: datetime | None
    stop_reason: str | None


class LivestreamFact(msgspec.Struct, frozen=True, gc=False):
    """What an update states about a stream besides its status."""

    meeting_id: str | None
    playback_url: str | None


class UpdateFact(msgspec.Struct, frozen=True, gc=False):
    """A status update of a recording or a livestream.

    Updates of one subject are settled together: the meaning of one depends on those before it.
    """

    kind: SubjectKind
    subject_id: str
    status: str
    session_id: str | None
    states: RecordingFact | LivestreamFact


class Facts(msgspec.Struct, frozen=True, gc=False):
    """Everything that one body states."""

    organization: OrganizationFact | None = None
    meeting: MeetingFact | None = None
    session: SessionFact | None = None
    participant: ParticipantFact | None = None
    artifact: ArtifactFact | None = None
    update: UpdateFact | None = None
