"""The content of one body, read slowly and plainly: the first half of the reference model.

Nothing here is shared with the product's own reading of events: that two readings agree is the test.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from tests.meaning.values import holdable, instant, parse

PROCESSED, UNKNOWN, QUARANTINED = "processed", "unknown", "quarantined"

_REASON = re.compile(r"""\{\s*'reason'\s*:\s*'([^']*)'""")
_WORD = re.compile(r"[A-Z_]+")
_FILE_SIZE_END = 2**63
_LONGEST_ID = 255
_SERVICE_BEGAN = datetime(2015, 1, 1, tzinfo=UTC)
_A_DAY, _TEN_YEARS = timedelta(days=1), timedelta(days=3653)


@dataclass
class Report:
    """One body's content. A field is None if the body does not state it, or not readably."""

    verdict: str = PROCESSED
    flawed: bool = False
    event: str | None = None
    session_id: str | None = None
    meeting_id: str | None = None
    is_object: bool = True
    organizations_named: set[str] = field(default_factory=set)
    organization_id: str | None = None
    organization_name: str | None = None
    title: str | None = None
    room_name: str | None = None
    created_at: datetime | None = None
    started_at: datetime | None = None
    ended_at: datetime | None = None
    reason: str | None = None
    peer_id: str | None = None
    custom_participant_id: str | None = None
    display_name: str | None = None
    joined_at: datetime | None = None
    left_at: datetime | None = None
    recording_id: str | None = None
    stream_id: str | None = None
    status: str | None = None
    started_time: datetime | None = None
    stopped_time: datetime | None = None
    recording_duration: Decimal | None = None
    file_size: int | None = None
    file_name: str | None = None
    download_url: str | None = None
    audio_download_url: str | None = None
    download_url_expires_at: datetime | None = None
    stop_reason: str | None = None
    stream_meeting_id: str | None = None
    playback_url: str | None = None
    artifact: str | None = None

    @property
    def subject(self) -> tuple[str, str] | None:
        """What a status update is about; None for every other event."""
        if self.recording_id is not None:
            return "recording", self.recording_id
        if self.stream_id is not None:
            return "livestream", self.stream_id
        return None

    def of_stream_alone(self) -> "Report":
        """Return what a stream's update that names no organization reports where one must be named."""
        left_out = self.meeting_id is not None or self.session_id is not None
        return Report(
            flawed=self.flawed or left_out,
            event=self.event,
            stream_id=self.stream_id,
            status=self.status,
            playback_url=self.playback_url,
        )


def read(body: bytes, received_at: datetime) -> Report:
    """Return what a body reports that was received at a time."""
    try:
        value = parse(body)
    except ValueError:
        return Report(verdict=QUARANTINED, flawed=True, is_object=False)
    if not isinstance(value, dict):
        return Report(verdict=QUARANTINED, flawed=True, is_object=False)
    return _Reader(value, received_at).report


class _Reader:
    """Reads one JSON object field by field and notes what can't be read."""

    def __init__(self, body: dict[str, Any], received_at: datetime) -> None:
        self.body = body
        self.received_at = received_at
        self.report = Report()
        self.report.event = self._id(body, "event")
        chat = self.report.event == "meeting.chatSynced"
        self._meeting(body if chat else self._object(body, "meeting"), self._object(body, "recording"), chat=chat)
        if self.report.event is None:
            self._quarantine()
        elif self.report.event in _EVENTS:
            _EVENTS[self.report.event](self)
        else:
            self.report.verdict, self.report.flawed = UNKNOWN, False

    def _object(self, holder: dict[str, Any], name: str) -> dict[str, Any]:
        value = holder.get(name)
        return value if isinstance(value, dict) else {}

    def _id(self, holder: dict[str, Any], name: str) -> str | None:
        value = holder.get(name)
        if not isinstance(value, str) or not value or not holdable(value):
            return None
        return value if len(value.encode()) <= _LONGEST_ID else None

    def _text(self, holder: dict[str, Any], name: str) -> str | None:
        value = holder.get(name)
        if value is None:
            return None
        if isinstance(value, str) and holdable(value):
            return value
        self.report.flawed = True
        return None

    def _time(self, holder: dict[str, Any], name: str) -> datetime | None:
        value = holder.get(name)
        if value is None:
            return None
        moment = instant(value) if isinstance(value, str) else None
        if moment is None or moment < _SERVICE_BEGAN or moment > self.received_at + _A_DAY:
            self.report.flawed = True
            return None
        return moment

    def _expiry(self, holder: dict[str, Any], name: str) -> datetime | None:
        value = holder.get(name)
        if value is None:
            return None
        moment = instant(value) if isinstance(value, str) else None
        if moment is None or moment > self.received_at + _TEN_YEARS:
            self.report.flawed = True
            return None
        return moment

    def _quarantine(self) -> None:
        self.report.verdict, self.report.flawed = QUARANTINED, True

    def _need(self, *identifiers: object) -> None:
        if any(identifier is None for identifier in identifiers):
            self._quarantine()

    def _meeting(self, meeting: dict[str, Any], recording: dict[str, Any], *, chat: bool) -> None:
        report = self.report
        is_recording = report.event == "recording.statusUpdate"
        report.session_id = self._id(meeting, "sessionId")
        report.meeting_id = self._id(meeting, "meetingId" if chat else "id")
        self._organization(meeting, recording if is_recording else {})
        if is_recording:
            report.session_id = report.session_id or self._id(recording, "roomUUID")
            report.meeting_id = report.meeting_id or self._id(recording, "meetingId")
        report.title = self._text(meeting, "title")
        report.room_name = self._text(meeting, "roomName")
        report.created_at = self._time(meeting, "createdAt")
        if report.session_id is not None:
            # of no session they describe nothing: a livestream's event that names none may say what it likes here
            report.started_at = self._time(meeting, "startedAt")
            report.ended_at = self._time(meeting, "endedAt")

    def _organization(self, meeting: dict[str, Any], recording: dict[str, Any]) -> None:
        report, body = self.report, self.body
        holder = meeting if meeting.get("organizedBy") is not None else body
        organizer = self._object(holder, "organizedBy")
        report.organization_name = self._text(organizer, "name")
        # in the order in which they win; that of a recording is looked at even if it loses
        stated = [organizer.get("id"), body.get("organizationId"), recording.get("organizationId")]
        readable = [self._id({"": one}, "") for one in stated]
        report.organization_id = next((one for one in readable if one is not None), None)
        unreadable = [one is not None and one != "" and ok is None for one, ok in zip(stated, readable, strict=True)]
        if unreadable[0] or (unreadable[1] and readable[0] is None) or unreadable[2]:
            report.flawed = True
        if holder.get("organizedBy") is not None and not isinstance(holder["organizedBy"], dict):
            report.flawed = True
        for place in (body, self._object(body, "meeting"), self._object(body, "recording")):
            named = [self._object(place, "organizedBy").get("id"), place.get("organizationId")]
            report.organizations_named |= {one for one in named if isinstance(one, str) and one}

    def started(self) -> None:
        self._need(self.report.session_id)

    def ended(self) -> None:
        self.report.reason = self._text(self.body, "reason")
        self._need(self.report.session_id)

    def joined(self) -> None:
        report, participant = self.report, self._object(self.body, "participant")
        report.peer_id = self._id(participant, "peerId")
        report.display_name = self._text(participant, "userDisplayName")
        custom = "customParticipantId" if participant.get("customParticipantId") is not None else "clientSpecificId"
        report.custom_participant_id = self._text(participant, custom)
        report.joined_at = self._time(participant, "joinedAt")
        self._need(report.session_id, report.peer_id)

    def left(self) -> None:
        self.report.left_at = self._time(self._object(self.body, "participant"), "leftAt")
        self.joined()
        self._need(self.report.left_at)

    def recording(self) -> None:
        report, recording = self.report, self._object(self.body, "recording")
        report.recording_id = self._id(recording, "id")
        report.status = self._text(recording, "status")
        report.started_time = self._time(recording, "startedTime")
        report.stopped_time = self._time(recording, "stoppedTime")
        report.file_name = self._text(recording, "outputFileName")
        report.download_url = self._text(recording, "downloadUrl")
        report.audio_download_url = self._text(recording, "audioDownloadUrl")
        report.download_url_expires_at = self._expiry(recording, "downloadUrlExpiry")
        self._measures(recording)
        self._need(report.session_id, report.recording_id)

    def _measures(self, recording: dict[str, Any]) -> None:
        report = self.report
        duration, size, stop = (recording.get(name) for name in ("recordingDuration", "fileSize", "stopReason"))
        if duration is not None:
            report.recording_duration = Decimal(duration)
        if isinstance(size, int) or (isinstance(size, str) and size.isdecimal()):
            report.file_size = int(size) if 0 <= int(size) < _FILE_SIZE_END else None
        if isinstance(stop, dict):
            stop = f"{{'reason':'{stop.get('reason')}'}}"
        if isinstance(stop, str):
            inner = _REASON.match(stop)
            report.stop_reason = inner[1] if inner else stop if _WORD.fullmatch(stop) else None
        if (size is not None and report.file_size is None) or (stop is not None and report.stop_reason is None):
            report.flawed = True

    def livestream(self) -> None:
        self.report.stream_id = self._id(self.body, "streamId")
        self.report.status = self._text(self.body, "status")
        self.report.playback_url = self._text(self.body, "playbackUrl")
        self.report.stream_meeting_id = self.report.meeting_id
        self._need(self.report.stream_id)

    def artifact(self) -> None:
        report = self.report
        report.artifact = {"meeting.chatSynced": "chat"}.get(str(report.event), str(report.event).split(".")[1])
        report.download_url = self._text(self.body, f"{report.artifact}DownloadUrl")
        report.download_url_expires_at = self._expiry(self.body, f"{report.artifact}DownloadUrlExpiry")
        self._need(report.session_id)


_EVENTS: dict[str, Callable[[_Reader], None]] = {
    "meeting.started": _Reader.started,
    "meeting.ended": _Reader.ended,
    "meeting.participantJoined": _Reader.joined,
    "meeting.participantLeft": _Reader.left,
    "recording.statusUpdate": _Reader.recording,
    "livestreaming.statusUpdate": _Reader.livestream,
    "meeting.chatSynced": _Reader.artifact,
    "meeting.transcript": _Reader.artifact,
    "meeting.summary": _Reader.artifact,
}
