"""What each event of the vendor states: one table from an event's name to a function, one function an event.

A new event is one line in `EVENTS` and one function.
"""

from collections.abc import Callable

from workers.reading.body import fits_text
from workers.reading.facts import (
    ArtifactFact,
    Facts,
    LivestreamFact,
    MeetingFact,
    OrganizationFact,
    ParticipantFact,
    RecordingFact,
    SessionFact,
    SubjectKind,
    UpdateFact,
)
from workers.reading.fields import Fields, NotIdentifiedError
from workers.reading.stop_reason import bare_stop_reason


def session_started(body: Fields) -> Facts:
    """`meeting.started`: the first participant is there."""
    facts = _of_session(body)
    _session(facts).starts = True
    return facts


def session_ended(body: Fields) -> Facts:
    """`meeting.ended`. `meeting.status` is LIVE here too: only `endedAt` and the event's name tell of the end."""
    facts = _of_session(body)
    session = _session(facts)
    session.ends = True
    session.end_reason = body.text("reason")
    return facts


def participant_joined(body: Fields) -> Facts:
    """`meeting.participantJoined`: a connection came up."""
    return _of_participant(body, "joined")


def participant_left(body: Fields) -> Facts:
    """`meeting.participantLeft`: a connection went down, at `leftAt`."""
    facts = _of_participant(body, "left")
    if facts.participant is None or facts.participant.left_at is None:
        raise NotIdentifiedError("a leave must state participant.leftAt")
    return facts


def recording_updated(body: Fields) -> Facts:
    """`recording.statusUpdate`. An UPLOADING may name its session in `roomUUID` alone; the meeting object wins."""
    recording = body.section("recording")
    facts = _of_session(body, recording.id("roomUUID"), recording.id("meetingId"), recording.id("organizationId"))
    session = _session(facts)
    facts.update = UpdateFact(
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
            download_url_expires_at=recording.time("downloadUrlExpiry"),
            stop_reason=_stop_reason(recording),
        ),
    )
    return facts


def livestream_updated(body: Fields) -> Facts:
    """`livestreaming.statusUpdate`: often no session, never a time, and Dyte names not even the meeting."""
    facts = _of_meeting(body)
    facts.update = UpdateFact(
        kind=SubjectKind.LIVESTREAM,
        subject_id=_identified(body, "streamId"),
        status=_status(body),
        session_id=facts.session.id if facts.session else None,
        states=LivestreamFact(
            meeting_id=facts.meeting.id if facts.meeting else None, playback_url=body.text("playbackUrl")
        ),
    )
    return facts


def chat_synced(body: Fields) -> Facts:
    """`meeting.chatSynced`: the session's chat can be downloaded. It has no meeting object, its members stand alone."""
    return _of_artifact(body, "chat")


def transcript_ready(body: Fields) -> Facts:
    """`meeting.transcript`: the session's transcript can be downloaded."""
    return _of_artifact(body, "transcript")


def summary_ready(body: Fields) -> Facts:
    """`meeting.summary`: the session's summary can be downloaded."""
    return _of_artifact(body, "summary")


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


def _of_participant(body: Fields, kind: str) -> Facts:
    facts = _of_session(body)
    participant = body.section("participant")
    facts.participant = ParticipantFact(
        peer_id=_identified(participant, "peerId"),
        kind=kind,
        # `clientSpecificId` is the name that older payloads have for it.
        custom_participant_id=participant.id("customParticipantId") or participant.id("clientSpecificId"),
        display_name=participant.text("userDisplayName"),
        joined_at=participant.time("joinedAt"),
        left_at=participant.time("leftAt"),
    )
    return facts


def _of_artifact(body: Fields, kind: str) -> Facts:
    facts = _of_session(body)
    facts.artifact = ArtifactFact(
        kind=kind,
        download_url=body.text(f"{kind}DownloadUrl"),
        download_url_expires_at=body.time(f"{kind}DownloadUrlExpiry"),
    )
    return facts


def _of_session(
    body: Fields, session_id: str | None = None, meeting_id: str | None = None, organization_id: str | None = None
) -> Facts:
    facts = _of_meeting(body, session_id, meeting_id, organization_id)
    if facts.session is None:
        raise NotIdentifiedError("the body names no session")
    return facts


def _of_meeting(
    body: Fields, session_id: str | None = None, meeting_id: str | None = None, organization_id: str | None = None
) -> Facts:
    """Return organization, meeting and session as the body names them, the ids given standing in for missing ones."""
    has_meeting = isinstance(body.value("meeting"), dict)
    meeting = body.section("meeting") if has_meeting else body
    organizer = (meeting if meeting.value("organizedBy") is not None else body).section("organizedBy")
    organization_id = organizer.id("id") or body.id("organizationId") or organization_id
    title = meeting.text("title")
    meeting_id = (meeting.id("id") if has_meeting else None) or body.id("meetingId") or meeting_id
    session_id = meeting.id("sessionId") or body.id("sessionId") or session_id
    facts = Facts()
    if organization_id is not None:
        facts.organization = OrganizationFact(organization_id, organizer.text("name"))
    if meeting_id is not None:
        facts.meeting = MeetingFact(
            id=meeting_id,
            organization_id=organization_id,
            title=title,
            room_name=meeting.text("roomName"),
            created_at=meeting.time("createdAt"),
        )
    if session_id is not None:
        facts.session = SessionFact(
            id=session_id,
            meeting_id=meeting_id,
            organization_id=organization_id,
            title=title,
            started_at=meeting.time("startedAt"),
            ended_at=meeting.time("endedAt"),
        )
    return facts


def _session(facts: Facts) -> SessionFact:
    if facts.session is None:  # `_of_session` has seen to it
        raise NotIdentifiedError("the body names no session")
    return facts.session


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
