"""A sample session: the bodies that the vendor would post for it, in order.

One session is fifteen deliveries. A teacher and a student meet; the student loses the connection and rejoins under a
new peer id, the leave of that second connection is never sent, and everything is recorded.
"""

import json
import random
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from console.samples.names import ORGANIZATIONS, PEOPLE, TITLES
from workers.queue.delivery import Provider

# From the first join to the end. The session ends when it is posted, so that its times are current.
_LENGTH = timedelta(minutes=52)
_FILES_LIVE = timedelta(days=7)
_BYTES_A_SECOND = 60_000

_Body = dict[str, Any]


@dataclass(frozen=True, slots=True)
class SampleSession:
    """A session to post.

    Attributes:
        id: the session's new id.
        bodies: the bodies of its deliveries, in order.
    """

    id: str
    bodies: tuple[bytes, ...]


@dataclass(frozen=True, slots=True)
class _Person:
    peer_id: str
    name: str
    custom_id: str
    joined_at: datetime

    def joined(self) -> _Body:
        return {
            "peerId": self.peer_id,
            "userDisplayName": self.name,
            "clientSpecificId": self.custom_id,
            "customParticipantId": self.custom_id,
            "joinedAt": _iso(self.joined_at),
        }

    def left(self, at: datetime) -> _Body:
        return {**self.joined(), "leftAt": _iso(at)}


def sample_session(dialect: Provider, now: datetime, chance: random.Random) -> SampleSession:
    """Return a session that ended at `now`, with ids, names and lengths drawn from `chance`.

    Args:
        dialect: the vendor's dialect of the bodies.
        now: when the session ended, UTC.
        chance: the random source of ids, names and lengths.
    """
    script = _Script(dialect, now, chance)
    return SampleSession(
        id=script.session_id,
        bodies=tuple(json.dumps(body, ensure_ascii=False).encode() for body in script.bodies()),
    )


class _Script:
    """The events of one session and their times."""

    def __init__(self, dialect: Provider, now: datetime, chance: random.Random) -> None:
        def moment(share: float) -> datetime:
            return self.started_at + share * (self.ended_at - self.started_at)

        def fresh_id() -> str:
            return str(UUID(int=chance.getrandbits(128), version=4))

        self.dialect = dialect
        self.ended_at = now
        self.started_at = now - _LENGTH * chance.uniform(0.3, 1.7)
        self.session_id, self.meeting_id = fresh_id(), fresh_id()
        self.recording_id, self.stream_id = fresh_id(), fresh_id()
        self.stream_key = f"sample-{fresh_id()}"
        organization = chance.randrange(len(ORGANIZATIONS))
        self.organization = {"id": str(UUID(int=organization + 1, version=4)), "name": ORGANIZATIONS[organization]}
        self.title = chance.choice(TITLES)
        self.room_name = "-".join("".join(chance.choices("abcdefghijkl", k=6)) for _ in range(2))
        student, teacher = chance.sample(PEOPLE, 2)
        student_id, teacher_id = f"student-{chance.randrange(1000)}", f"teacher-{chance.randrange(100)}"
        self.student = _Person(fresh_id(), student, student_id, self.started_at)
        self.teacher = _Person(fresh_id(), teacher, teacher_id, moment(0.02))
        self.student_again = _Person(fresh_id(), student, student_id, moment(0.42))
        self.student_left_at, self.teacher_left_at = moment(0.40), moment(0.999)
        self.recorded_from, self.recorded_to = moment(0.04), moment(0.998)

    def bodies(self) -> list[_Body]:
        """Return the session's fifteen bodies."""
        return [
            {"event": "meeting.started", "meeting": self._meeting(roomName=self._room_name())},
            self._of_person("meeting.participantJoined", self.student.joined()),
            self._of_person("meeting.participantJoined", self.teacher.joined()),
            self._of_recording("INVOKED", meetingId=self.meeting_id, outputFileName=self._file_name("mp4")),
            self._of_recording(
                "RECORDING",
                meetingId=self.meeting_id,
                startedTime=self._recording_time(self.recorded_from),
                outputFileName=self._file_name("mp4"),
            ),
            self._of_leave(self.student.left(self.student_left_at), meeting_ended_at=None),
            self._of_person("meeting.participantJoined", self.student_again.joined()),
            self._uploading(),
            self._of_leave(self.teacher.left(self.teacher_left_at), meeting_ended_at=_iso(self.ended_at)),
            {"event": "meeting.ended", "meeting": self._ended_meeting(), "reason": "HOST_ENDED_MEETING"},
            self._uploaded(),
            self._chat_synced(),
            {"event": "meeting.transcript", "meeting": self._ended_meeting(), **self._export("transcript", "csv")},
            {"event": "meeting.summary", "meeting": self._ended_meeting(), **self._export("summary", "txt")},
            self._livestream(),
        ]

    @property
    def _is_dyte(self) -> bool:
        return self.dialect is Provider.DYTE

    def _room_name(self) -> str:
        return self.room_name if self._is_dyte else self.meeting_id

    def _meeting(self, **more: Any) -> _Body:
        # `status` says LIVE in every event, and RealtimeKit states the room's name in each.
        return {
            "id": self.meeting_id,
            "sessionId": self.session_id,
            "title": self.title,
            "status": "LIVE",
            "createdAt": _iso(self.started_at - timedelta(days=3)),
            "startedAt": _iso(self.started_at),
            "organizedBy": self.organization,
            **({} if self._is_dyte else {"roomName": self.meeting_id}),
            **more,
        }

    def _ended_meeting(self) -> _Body:
        return self._meeting(endedAt=_iso(self.ended_at))

    def _of_person(self, event: str, participant: _Body) -> _Body:
        return {"event": event, "meeting": self._meeting(), "participant": participant}

    def _of_leave(self, participant: _Body, meeting_ended_at: str | None) -> _Body:
        # RealtimeKit sends the last leave after the end, and marks it so.
        body = self._of_person("meeting.participantLeft", participant)
        return body if self._is_dyte else {**body, "meeting": self._meeting(endedAt=meeting_ended_at)}

    def _of_recording(self, status: str, **more: Any) -> _Body:
        recording = {
            "id": self.recording_id,
            "recordingId": self.recording_id,
            "organizationId": self.organization["id"],
            "roomUUID": self.session_id,
            "status": status,
            **more,
        }
        return {"event": "recording.statusUpdate", "recording": recording, "meeting": self._meeting(endedAt=None)}

    def _uploading(self) -> _Body:
        # The vendor omits the meeting's session here: only `roomUUID` names it.
        body = self._of_recording("UPLOADING", **self._recorded())
        del body["meeting"]["sessionId"]
        return body

    def _uploaded(self) -> _Body:
        seconds = (self.recorded_to - self.recorded_from).total_seconds()
        body = self._of_recording(
            "UPLOADED",
            meetingId=self.meeting_id,
            **self._recorded(),
            outputFileName=self._file_name("mp4"),
            downloadUrl=self._file_url("mp4"),
            audioDownloadUrl=self._file_url("mp3"),
            downloadUrlExpiry=self._recording_time(self.ended_at + _FILES_LIVE),
            recordingDuration=int(seconds),
        )
        if self._is_dyte:
            body["recording"]["stopReason"] = "{'reason':'ALL_PEERS_LEFT','caller':{'type':'INTERNAL'}}"
        return body

    def _recorded(self) -> _Body:
        size = int((self.recorded_to - self.recorded_from).total_seconds()) * _BYTES_A_SECOND
        return {
            "startedTime": self._recording_time(self.recorded_from),
            "stoppedTime": self._recording_time(self.recorded_to),
            "fileSize": size if self._is_dyte else str(size),
        }

    def _chat_synced(self) -> _Body:
        body = {
            "event": "meeting.chatSynced",
            "sessionId": self.session_id,
            "meetingId": self.meeting_id,
            **self._export("chat", "csv"),
            "organizedBy": self.organization,
        }
        if self._is_dyte:
            return body
        known = self._ended_meeting()
        return {**body, **{name: known[name] for name in ("title", "createdAt", "startedAt", "endedAt")}}

    def _livestream(self) -> _Body:
        body = {"event": "livestreaming.statusUpdate", "streamId": self.stream_id, "status": "LIVE"}
        if self._is_dyte:
            return body
        meeting = self._meeting()
        del meeting["sessionId"], meeting["startedAt"]
        return {
            **body,
            "manualIngest": False,
            "playbackUrl": f"https://live.example.com/{self.stream_id}/index.m3u8",
            "ingestServer": "rtmps://ingest.example.com/live",
            "streamKey": self.stream_key,
            "meeting": meeting,
        }

    def _export(self, kind: str, ending: str) -> _Body:
        return {
            f"{kind}DownloadUrl": f"https://exports.example.com/{self.session_id}/{kind}.{ending}?sig=x",
            f"{kind}DownloadUrlExpiry": _spaced(self.ended_at + _FILES_LIVE),
        }

    def _file_name(self, ending: str) -> str:
        return f"{self._room_name()}_{self.started_at:%Y%m%d%H%M%S}.{ending}"

    def _file_url(self, ending: str) -> str:
        return f"https://recordings.example.com/{self._file_name(ending)}?sig=x"

    def _recording_time(self, at: datetime) -> str:
        return _spaced(at) if self._is_dyte else _iso(at)


def _iso(at: datetime) -> str:
    """As `2026-03-02T09:52:31.030Z`."""
    return f"{at:%Y-%m-%dT%H:%M:%S}.{at.microsecond // 1000:03}Z"


def _spaced(at: datetime) -> str:
    """As `2026-03-02 09:52:30.865627Z`: one payload may hold both ways."""
    return f"{at:%Y-%m-%d %H:%M:%S.%f}Z"
