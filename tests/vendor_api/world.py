"""What really happened at the vendor: sessions, who was in them, recordings; and how its webhooks and its API tell it.

Times are those of a truth that nobody disputes. What is lost or late on the way is for the tests to choose.
"""

import json
import random
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from workers.queue.delivery import Delivery, Provider, new_delivery_id

ORGANIZATION = "7f5c0f6a-41a3-4a0e-9c0f-3d0c7b5a1e10"
NINE = datetime(2026, 3, 2, 9, tzinfo=UTC)
NAMES = ["Ana Ruiz", "Ben O\u2019Neill 🎸", "عمر", "Ana R."]


def iso(at: datetime | None) -> str | None:
    """Return a time as the vendor writes it."""
    return None if at is None else at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


@dataclass(frozen=True)
class Connection:
    """One connection: who, and from when to when; `left_at` is None while it goes on."""

    peer_id: str
    person: str | None
    name: str
    joined_at: datetime
    left_at: datetime | None


@dataclass(frozen=True)
class RecordingMade:
    """A recording that has arrived."""

    id: str
    invoked_at: datetime
    started_at: datetime
    stopped_at: datetime
    file_size: int


@dataclass(frozen=True)
class SessionHeld:
    """A session, with everything that happened in it."""

    id: str
    meeting_id: str
    title: str
    started_at: datetime
    ended_at: datetime | None
    connections: tuple[Connection, ...] = ()
    recordings: tuple[RecordingMade, ...] = ()
    organization_id: str = ORGANIZATION


@dataclass
class World:
    """Sessions, in the order in which they started."""

    sessions: list[SessionHeld] = field(default_factory=list)

    def deliveries(self) -> list[Delivery]:
        """Return every webhook that the vendor sends about them, each received a second after it happened."""
        return [one for session in self.sessions for one in deliveries_of(session)]


def made_up(chance: random.Random, sessions: int, morning: datetime = NINE) -> World:
    """Make up a world of ended sessions."""
    return World([_session(chance, number, morning) for number in range(sessions)])


def _session(chance: random.Random, number: int, morning: datetime) -> SessionHeld:
    started_at = morning + timedelta(seconds=30 * chance.randrange(240), milliseconds=chance.randrange(1000))
    ended_at = started_at + timedelta(minutes=chance.randrange(5, 90))
    connections = []
    for place in range(chance.randrange(1, 6)):
        joined_at = started_at + (ended_at - started_at) * (chance.random() * 0.6 if place else 0)
        left_at = joined_at + (ended_at - joined_at) * chance.choice([1, chance.random()])
        who = chance.randrange(4)
        person = None if who == 3 else f"person-{who}"
        connections.append(
            Connection(f"s{number}-peer-{place}", person, NAMES[who], _to_ms(joined_at), _to_ms(left_at))
        )
    recordings = []
    if chance.random() < 0.5:
        begun = _to_ms(started_at + (ended_at - started_at) * 0.2)
        recordings.append(
            RecordingMade(f"s{number}-recording", begun, begun + timedelta(seconds=3), _to_ms(ended_at), 183_500_800)
        )
    return SessionHeld(
        f"s{number}",
        f"m{number % 3}",
        f"Lesson {number % 3}",
        started_at,
        _to_ms(ended_at),
        tuple(connections),
        tuple(recordings),
    )


def _to_ms(at: datetime) -> datetime:
    return at.replace(microsecond=at.microsecond // 1000 * 1000)


def deliveries_of(session: SessionHeld) -> list[Delivery]:
    """Return the deliveries of a session, in the order in which things happened."""
    meeting = {
        "id": session.meeting_id,
        "sessionId": session.id,
        "title": session.title,
        "status": "LIVE",
        "startedAt": iso(session.started_at),
        "organizedBy": {"id": session.organization_id, "name": "Harbour Academy"},
    }
    sent: list[tuple[datetime, dict[str, Any]]] = [
        (session.started_at, {"event": "meeting.started", "meeting": meeting})
    ]
    for one in session.connections:
        participant = {"peerId": one.peer_id, "userDisplayName": one.name, "joinedAt": iso(one.joined_at)}
        if one.person is not None:
            participant["customParticipantId"] = one.person
        event = {"event": "meeting.participantJoined", "meeting": meeting, "participant": participant}
        sent.append((one.joined_at, event))
        if one.left_at is not None:
            left = {**participant, "leftAt": iso(one.left_at)}
            sent.append((one.left_at, {**event, "event": "meeting.participantLeft", "participant": left}))
    for recording in session.recordings:
        sent += _recording_events(session, recording, meeting)
    if session.ended_at is not None:
        ended = {**meeting, "endedAt": iso(session.ended_at)}
        event = {"event": "meeting.ended", "meeting": ended, "reason": "ALL_PARTICIPANTS_LEFT"}
        sent.append((session.ended_at, event))
    return [_delivery(at + timedelta(seconds=1), event) for at, event in sorted(sent, key=lambda one: one[0])]


def _recording_events(
    session: SessionHeld, one: RecordingMade, meeting: dict[str, Any]
) -> list[tuple[datetime, dict[str, Any]]]:
    recording = {
        "id": one.id,
        "meetingId": session.meeting_id,
        "organizationId": session.organization_id,
        "roomUUID": session.id,
        "outputFileName": f"{one.id}.mp4",
    }
    started = {**recording, "startedTime": iso(one.started_at)}
    stopped = {**started, "stoppedTime": iso(one.stopped_at), "fileSize": one.file_size}
    uploaded_at = one.stopped_at + timedelta(minutes=2)
    uploaded = {
        **stopped,
        "downloadUrl": f"https://recordings.example.com/{one.id}.mp4?sig=x",
        "audioDownloadUrl": f"https://recordings.example.com/{one.id}.mp3?sig=x",
        "downloadUrlExpiry": iso(uploaded_at + timedelta(days=7)),
        "stopReason": "{'reason':'ALL_PEERS_LEFT','caller':{'type':'INTERNAL'}}",
    }
    return [
        (at, {"event": "recording.statusUpdate", "recording": {**states, "status": status}, "meeting": meeting})
        for at, status, states in (
            (one.invoked_at, "INVOKED", recording),
            (one.started_at, "RECORDING", started),
            (one.stopped_at, "UPLOADING", stopped),
            (uploaded_at, "UPLOADED", uploaded),
        )
    ]


def _delivery(at: datetime, event: dict[str, Any]) -> Delivery:
    id_ = new_delivery_id(at)
    return Delivery(id_, at, Provider.REALTIMEKIT, str(id_), "w1", json.dumps(event).encode())


def session_answer(session: SessionHeld, *, as_of: datetime | None = None) -> dict[str, Any]:
    """Return what the API says about a session, at a time, or once all is over."""
    ended = session.ended_at is not None and (as_of is None or session.ended_at <= as_of)
    until = session.ended_at if ended else as_of
    minutes = sum(
        (min(one.left_at or until, until) - one.joined_at).total_seconds() / 60
        for one in session.connections
        if until is not None and one.joined_at <= until
    )
    answer: dict[str, Any] = {
        "id": session.id,
        "associated_id": session.meeting_id,
        "meeting_display_name": session.title,
        "type": "meeting",
        "status": "ENDED" if ended else "LIVE",
        "live_participants": 0 if ended else sum(1 for one in session.connections if one.left_at is None),
        "max_concurrent_participants": peak_of(session.connections, until),
        "minutes_consumed": round(minutes, 4),
        "organization_id": session.organization_id,
        "started_at": iso(session.started_at),
        "created_at": iso(session.started_at + timedelta(milliseconds=10)),
        "updated_at": iso((until or session.started_at) + timedelta(seconds=2)),
    }
    if ended:
        answer["ended_at"] = iso(session.ended_at)
    return answer


def peak_of(connections: Sequence[Connection], until: datetime | None) -> int:
    """Return the most connections at once."""
    steps = sorted(
        [(one.joined_at, 1) for one in connections]
        + [(one.left_at or until, -1) for one in connections if one.left_at or until is not None]
    )
    there = most = 0
    for _, step in steps:
        there += step
        most = max(most, there)
    return most


def participant_answer(one: Connection) -> dict[str, Any]:
    """Return what the API says about a connection, with its peer events."""
    answer: dict[str, Any] = {
        "id": one.peer_id,
        "user_id": f"user-of-{one.person or one.peer_id}",
        "display_name": one.name,
        "preset_name": "group_call_participant",
        "joined_at": iso(one.joined_at),
        "left_at": iso(one.left_at),
        "duration": 0 if one.left_at is None else round((one.left_at - one.joined_at).total_seconds() / 60, 4),
        "created_at": iso(one.joined_at + timedelta(milliseconds=9)),
        "updated_at": iso((one.left_at or one.joined_at) + timedelta(milliseconds=6)),
        "peer_events": peer_events([one]),
    }
    if one.person is not None:
        answer["custom_participant_id"] = one.person
    return answer


def person_answer(connections: Sequence[Connection]) -> dict[str, Any]:
    """Return a row that stands for several connections of one person, as the vendor's FAQ has it."""
    ordered = sorted(connections, key=lambda one: one.joined_at)
    ends = [one.left_at for one in ordered]
    last = None if None in ends else max(end for end in ends if end is not None)
    answer = participant_answer(ordered[0])
    minutes = sum((one.left_at - one.joined_at).total_seconds() / 60 for one in ordered if one.left_at is not None)
    return {**answer, "left_at": iso(last), "duration": round(minutes, 4), "peer_events": peer_events(ordered)}


def peer_events(connections: Sequence[Connection]) -> list[dict[str, Any]]:
    """Return the peer events of connections."""
    events = []
    for one in connections:
        for name, at in (("PEER_JOINING", one.joined_at), ("PEER_LEAVING", one.left_at)):
            if at is not None:
                event = {"id": f"{one.peer_id}-{name}", "peer_id": one.peer_id, "event_name": name}
                events.append({**event, "created_at": iso(at), "updated_at": iso(at)})
    return events


def recording_answer(session: SessionHeld, one: RecordingMade) -> dict[str, Any]:
    """Return what the API says about a recording that has arrived."""
    return {
        "id": one.id,
        "output_file_name": f"{one.id}.mp4",
        "status": "UPLOADED",
        "invoked_time": iso(one.invoked_at),
        "session_id": session.id,
        "started_time": iso(one.started_at),
        "stopped_time": iso(one.stopped_at),
        "file_size": one.file_size,
        "recording_duration": int((one.stopped_at - one.started_at).total_seconds()),
        "download_url": f"https://recordings.example.com/{one.id}.mp4?sig=y",
        "audio_download_url": f"https://recordings.example.com/{one.id}.mp3?sig=y",
        "download_url_expiry": iso(one.stopped_at + timedelta(days=7, minutes=2)),
        "stop_reason": {"reason": "ALL_PEERS_LEFT", "caller": {"type": "INTERNAL"}},
        "storage_config": {"type": "aws", "access_key": "never-to-be-kept", "secret": "never-to-be-kept"},
        "meeting": {"id": session.meeting_id, "title": session.title},
    }
