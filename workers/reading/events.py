"""What each of the vendor's events states: a table of event names and functions, one function per event.

To add an event, add a line to `EVENTS` and a function.
"""

from collections.abc import Callable
from typing import NamedTuple

import msgspec

from workers.reading.body import fits_text
from workers.reading.facts import (
    ArtifactFact,
    ArtifactKind,
    Facts,
    LivestreamFact,
    MeetingFact,
    OrganizationFact,
    ParticipantFact,
    PresenceKind,
    RecordingFact,
    SessionFact,
    SubjectKind,
    UpdateFact,
)
from workers.reading.fields import Fields, NotIdentifiedError
from workers.reading.stop_reason import bare_stop_reason


class Ids(NamedTuple):
    """Ids that a body states outside its meeting object."""

    organization: str | None = None
    meeting: str | None = None
    session: str | None = None


NO_IDS = Ids()


def session_started(body: Fields) -> Facts:
    """`meeting.started`: the first participant has joined."""
    return Facts(*_named_session(body, starts=True))


def session_ended(body: Fields) -> Facts:
    """`meeting.ended`. `meeting.status` is LIVE here too: only `endedAt` and the event's name state the end."""
    return Facts(*_named_session(body, ends=True))


def participant_joined(body: Fields) -> Facts:
    """`meeting.participantJoined`: a peer connected."""
    return Facts(*_named_session(body), participant=_participant(body, PresenceKind.JOINED))


def participant_left(body: Fields) -> Facts:
    """`meeting.participantLeft`: a peer disconnected, at `leftAt`."""
    named = _named_session(body)
    participant = _participant(body, PresenceKind.LEFT)
    if participant.left_at is None:
        raise NotIdentifiedError("a leave must state participant.leftAt")
    return Facts(*named, participant=participant)


def recording_updated(body: Fields) -> Facts:
    """`recording.statusUpdate`. UPLOADING may name its session only in `roomUUID`; the meeting object wins."""
    recording = body.section("recording")
    organization, meeting, session = _named_session(
        body,
        Ids(
            session=recording.id("roomUUID"),
            meeting=recording.id("meetingId"),
            organization=recording.id("organizationId"),
        ),
    )
    update = UpdateFact(
        kind=SubjectKind.RECORDING,
        subject_id=_identified(recording, "id", "recordingId"),
        status=_status(recording),
        session_id=session.id,
        states=RecordingFact(
            meeting_id=session.meeting_id,
            started_at=recording.time("startedTime"),
            stopped_at=recording.time("stoppedTime"),
            stated_duration=recording.number("recordingDuration"),
            file_size=recording.whole_number("fileSize"),
            file_name=recording.text("outputFileName"),
            download_url=recording.text("downloadUrl"),
            audio_download_url=recording.text("audioDownloadUrl"),
            download_url_expires_at=recording.expiry("downloadUrlExpiry"),
            stop_reason=_stop_reason(recording),
        ),
    )
    return Facts(organization, meeting, session, update=update)


def livestream_updated(body: Fields) -> Facts:
    """`livestreaming.statusUpdate`: often without a session, always without a time, from Dyte without a meeting."""
    organization, meeting, session = _named(body)
    update = UpdateFact(
        kind=SubjectKind.LIVESTREAM,
        subject_id=_identified(body, "streamId"),
        status=_status(body),
        session_id=session.id if session else None,
        states=LivestreamFact(meeting_id=meeting.id if meeting else None, playback_url=body.text("playbackUrl")),
    )
    return Facts(organization, meeting, session, update=update)


def chat_synced(body: Fields) -> Facts:
    """`meeting.chatSynced`: the session's chat can be downloaded. It has no meeting object."""
    return _artifact(body, ArtifactKind.CHAT)


def transcript_ready(body: Fields) -> Facts:
    """`meeting.transcript`: the session's transcript can be downloaded."""
    return _artifact(body, ArtifactKind.TRANSCRIPT)


def summary_ready(body: Fields) -> Facts:
    """`meeting.summary`: the session's summary can be downloaded."""
    return _artifact(body, ArtifactKind.SUMMARY)


EVENTS: dict[str, Callable[[Fields], Facts]] = {
    "meeting.started": session_started,
    "meeting.ended": session_ended,
    "meeting.participantJoined": participant_joined,
    "meeting.participantLeft": participant_left,
    "recording.statusUpdate": recording_updated,
    "livestreaming.statusUpdate": livestream_updated,
    "meeting.chatSynced": chat_synced,
    "meeting.transcript": transcript_ready,
    "meeting.summary": summary_ready,
}

# Dyte's stream updates name no organization, and so may only change their stream.
MAY_NAME_NO_ORGANIZATION = frozenset({"livestreaming.statusUpdate"})


def only_its_subject(facts: Facts) -> Facts:
    """Return only what a status update states about its recording or stream, without meeting and session."""
    update = facts.update
    if update is None:
        return Facts()
    states = msgspec.structs.replace(update.states, meeting_id=None)
    return Facts(update=msgspec.structs.replace(update, session_id=None, states=states))


def _participant(body: Fields, kind: PresenceKind) -> ParticipantFact:
    participant = body.section("participant")
    return ParticipantFact(
        peer_id=_identified(participant, "peerId"),
        kind=kind,
        # Older payloads call it `clientSpecificId`.
        custom_participant_id=participant.id("customParticipantId") or participant.id("clientSpecificId"),
        display_name=participant.text("userDisplayName"),
        joined_at=participant.time("joinedAt"),
        left_at=participant.time("leftAt"),
    )


def _artifact(body: Fields, kind: ArtifactKind) -> Facts:
    named = _named_session(body)
    artifact = ArtifactFact(
        kind=kind,
        download_url=body.text(f"{kind}DownloadUrl"),
        download_url_expires_at=body.expiry(f"{kind}DownloadUrlExpiry"),
    )
    return Facts(*named, artifact=artifact)


def _named_session(
    body: Fields, ids: Ids = NO_IDS, *, starts: bool = False, ends: bool = False
) -> tuple[OrganizationFact | None, MeetingFact | None, SessionFact]:
    """Return what `_named` does; the body must name a session."""
    organization, meeting, session = _named(body, ids, starts=starts, ends=ends)
    if session is None:
        raise NotIdentifiedError("the body names no session")
    return organization, meeting, session


def _named(
    body: Fields, ids: Ids = NO_IDS, *, starts: bool = False, ends: bool = False
) -> tuple[OrganizationFact | None, MeetingFact | None, SessionFact | None]:
    """Return organization, meeting and session as the body names them.

    Args:
        body: the event.
        ids: fallbacks for ids that the body does not name.
        starts: whether it is the event of the session's start.
        ends: whether it is the event of the session's end.
    """
    has_meeting = isinstance(body.value("meeting"), dict)
    meeting = body.section("meeting") if has_meeting else body
    organizer = (meeting if meeting.value("organizedBy") is not None else body).section("organizedBy")
    organization_id = organizer.id("id") or body.id("organizationId") or ids.organization
    title = meeting.text("title")
    meeting_id = (meeting.id("id") if has_meeting else None) or body.id("meetingId") or ids.meeting
    session_id = meeting.id("sessionId") or body.id("sessionId") or ids.session
    return (
        None if organization_id is None else OrganizationFact(organization_id, organizer.text("name")),
        None
        if meeting_id is None
        else MeetingFact(
            id=meeting_id,
            organization_id=organization_id,
            title=title,
            room_name=meeting.text("roomName"),
            created_at=meeting.time("createdAt"),
        ),
        None
        if session_id is None
        else SessionFact(
            id=session_id,
            meeting_id=meeting_id,
            organization_id=organization_id,
            title=title,
            started_at=meeting.time("startedAt"),
            ended_at=meeting.time("endedAt"),
            starts=starts,
            ends=ends,
            end_reason=body.text("reason") if ends else None,
        ),
    )


def _identified(fields: Fields, *names: str) -> str:
    for name in names:
        value = fields.id(name)
        if value is not None:
            return value
    raise NotIdentifiedError(f"the body names no {fields.path(names[0])}")


def _status(fields: Fields) -> str:
    status = fields.id("status")
    if status is None:
        raise NotIdentifiedError(f"the body states no {fields.path('status')}")
    return status


def _stop_reason(recording: Fields) -> str | None:
    value = recording.value("stopReason")
    reason = bare_stop_reason(value)
    if reason is not None and fits_text(reason):
        return reason
    if value is not None:
        recording.problem("stopReason", "a reason")
    return None
