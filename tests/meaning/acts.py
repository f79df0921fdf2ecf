"""What can happen in a session, and to its deliveries, as acts that a chunk of bytes chooses from."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

from msgspec.structs import replace

from tests.meaning import vendor
from tests.meaning.choices import Choices
from tests.meaning.session import Session

STEPS = [30, 0, 30, 60, 90, 1, 600, 30]
RETRY_AFTER = [1, 0, 2, 30, 59, 60, 60.000001, 61, 90, 3600]
# Ten years have 3,652 or 3,653 days.
EXPIRY_DAYS = [7, 7, 7, 3652, 3653, 3654]
RECORDING_STATUSES = ["RECORDING", "PAUSED", "INVOKED", "UPLOADING", "UPLOADED", "ERRORED", "RECORDING", "TRANSCODING"]
STREAM_STATUSES = ["LIVE", "OFFLINE", "IDLE", "LIVE", "OFFLINE", "REBUFFERING"]
NAMES = ["Ana Ruiz", "Ben O\u2019Neill 🎸", "عمر", "", "Ana R."]
STOP_REASONS: list[Any] = [
    "{'reason':'ALL_PEERS_LEFT','caller':{'type':'INTERNAL'}}",
    {"reason": "RECORDING_ERROR", "caller": {"type": "USER"}},
    "API_CALL",
    None,
]


def act(session: Session, chunk: bytes) -> None:
    """Perform the act chosen by a chunk of bytes; none for zeros."""
    choices = Choices(chunk)
    chosen = ACTS[choices.below(len(ACTS))]
    if chosen is not None:
        session.clock += timedelta(seconds=choices.pick(STEPS))
        chosen(session, choices)


def start(session: Session, choices: Choices) -> None:
    if choices.below(4) != 3:
        session.room.started_at = session.clock
    session.report("meeting.started", choices)


def join(session: Session, choices: Choices) -> None:
    _participant(session, choices, f"peer-{len(session.peers)}", joined_at=session.clock)


def come_back(session: Session, choices: Choices) -> None:
    _participant(session, choices, f"peer-{choices.below(3)}", joined_at=session.clock)


def leave(session: Session, choices: Choices) -> None:
    # a peer never heard of may leave too: its join was lost
    peer = f"peer-{choices.below(max(1, len(session.peers)))}"
    _participant(session, choices, peer, joined_at=session.peers.get(peer), left_at=session.clock)


def leave_without_time(session: Session, choices: Choices) -> None:
    event = {
        "event": "meeting.participantLeft",
        "participant": {"peerId": "peer-0", "leftAt": choices.pick([None, *vendor.JUNK_TIMES])},
    }
    session.send(vendor.body_of({**event, "meeting": session.meeting(choices)}, choices), choices)


def _participant(
    session: Session, choices: Choices, peer: str, joined_at: datetime | None, left_at: datetime | None = None
) -> None:
    who, how = choices.byte(), choices.byte()
    session.peers.setdefault(peer, joined_at)
    participant: dict[str, Any] = {"peerId": peer, "userDisplayName": NAMES[how // 16 % len(NAMES)]}
    person = f"person-{who % 3}"
    identities: list[dict[str, Any]] = [
        {"customParticipantId": person, "clientSpecificId": person},
        {"customParticipantId": person},
        {"clientSpecificId": person},
        {"customParticipantId": None, "clientSpecificId": person},
        {},
    ]
    participant |= identities[who // 3 % 5]
    if joined_at is not None and how % 8 != 7:
        participant["joinedAt"] = session.dialect.time(joined_at + timedelta(seconds=-30 if how % 8 == 6 else 0))
    vendor.spoil(participant, choices, texts=("userDisplayName",), times=("joinedAt",))
    if left_at is not None:
        participant["leftAt"] = session.dialect.time(left_at)
    event = "meeting.participantJoined" if left_at is None else "meeting.participantLeft"
    session.report(event, choices, participant=participant)


def blink(session: Session, choices: Choices) -> None:
    """Leave and return under the same peer: at once, soon, or, with clocks that disagree, before."""
    peer, gap = f"peer-{choices.below(2)}", timedelta(seconds=choices.pick([0, 30, -30]))
    _participant(session, choices, peer, joined_at=None, left_at=session.clock)
    _participant(session, Choices(b""), peer, joined_at=session.clock + gap)


def end(session: Session, choices: Choices) -> None:
    how = choices.below(4)
    if how != 3:
        session.room.ended_at = session.clock
    reason = choices.pick(["HOST_ENDED_MEETING", "ALL_PARTICIPANTS_LEFT", None, 5, "HOST_ENDED_MEETING"])
    # bit 2 of the next byte says whether the meeting shows its end; see Session.meeting
    session.report("meeting.ended", choices, reason=reason)


def record(session: Session, choices: Choices) -> None:
    which, how = choices.byte(), choices.byte()
    status = RECORDING_STATUSES[which % len(RECORDING_STATUSES)]
    key = (f"{session.room.session_id}-recording-{which // 8 % 2}", status)
    if key not in session.recording_bodies or how % 4 == 3:
        session.recording_bodies[key] = _recording_body(session, choices, *key, how // 4)
    session.send(session.recording_bodies[key], choices)


def _recording_body(session: Session, choices: Choices, recording_id: str, status: str, how: int) -> bytes:
    write, room = session.dialect.time, session.room
    recording: dict[str, Any] = {"id": recording_id, "recordingId": recording_id, "status": status}
    recording |= {"organizationId": room.organization_id, "meetingId": room.meeting_id, "roomUUID": room.session_id}
    if status not in {"INVOKED", "ERRORED"}:
        session.started_times.setdefault(recording_id, session.clock)
        recording["startedTime"] = write(session.started_times[recording_id] + timedelta(seconds=30 * (how & 1)))
    if status in {"UPLOADING", "UPLOADED"}:
        size = choices.pick([183_500_800, "183500800", 0, None, "large", 10**30, -1])
        recording |= {"stoppedTime": write(session.clock), "fileSize": size}
    if status == "UPLOADED":
        expiry = write(session.clock + timedelta(days=choices.pick(EXPIRY_DAYS)))
        recording |= {"downloadUrl": f"https://r.example.com/{how}", "downloadUrlExpiry": expiry}
        recording |= {"audioDownloadUrl": "https://r.example.com/a", "stopReason": choices.pick(STOP_REASONS)}
        recording["recordingDuration"] = choices.pick([0, 3030, 12.5, None])
    vendor.spoil(recording, choices, ("outputFileName", "downloadUrl"), ("startedTime", "stoppedTime"))
    meeting = session.meeting(choices)
    if how & 48 == 48:
        # seen in published samples; the meeting object is right, where it names the session
        recording |= {"meetingId": "m0", "roomUUID": "s0"}
    if how & 6 == 6:
        meeting.pop("sessionId", None)
        recording.pop("meetingId")
    recording = {name: value for name, value in recording.items() if value is not None or how & 8}
    if recording.get("organizationId", "") is None or recording.get("meetingId", "") is None:
        recording = {name: value for name, value in recording.items() if value is not None}
    return vendor.body_of({"event": "recording.statusUpdate", "recording": recording, "meeting": meeting}, choices)


def stream(session: Session, choices: Choices) -> None:
    which, how = choices.byte(), choices.byte()
    key = (f"stream-{which // 6 % 3}", STREAM_STATUSES[which % 6])
    if key not in session.world.stream_bodies or how % 4 == 3:
        event: dict[str, Any] = {"event": "livestreaming.statusUpdate", "streamId": key[0], "status": key[1]}
        if how & 16:
            meeting = session.meeting(choices)
            if how & 96 != 96:
                meeting.pop("sessionId", None)
            if how & 12 == 12:
                meeting.pop("organizedBy", None)
            event |= {
                "meeting": meeting,
                "playbackUrl": f"https://live.example.com/{how}",
                "streamKey": "sk-live-secret",
            }
        session.world.stream_bodies[key] = vendor.body_of(event, choices)
    session.send(session.world.stream_bodies[key], choices)


def flicker(session: Session, choices: Choices) -> None:
    """Go to another status and back, within the minute in which same bytes are a retry, or just not."""
    away, gap, how = choices.pick([1, 30]), choices.pick([60, 59, 60.000001, 61, 90]), choices.byte()
    if how & 1:
        key, other = ("stream-0", "LIVE"), ("stream-0", "OFFLINE")
        bodies = session.world.stream_bodies
        for name in (key, other):
            event = {"event": "livestreaming.statusUpdate", "streamId": name[0], "status": name[1]}
            bodies.setdefault(name, vendor.body_of(event, Choices(b"")))
    else:
        recording_id = f"{session.room.session_id}-recording-0"
        key, other = (recording_id, "UPLOADING" if how & 4 else "RECORDING"), (recording_id, "PAUSED")
        bodies = session.recording_bodies
        for name in (key, other):
            bodies.setdefault(name, _recording_body(session, Choices(b""), *name, 0))
    begun = session.clock
    for seconds, name in ((0, key), (away, other), (gap, key)):
        session.clock = begun + timedelta(seconds=seconds)
        session.send(bodies[name], Choices(b"") if how & 2 else choices)


def export(session: Session, choices: Choices) -> None:
    kind, how = choices.pick(["chat", "transcript", "summary"]), choices.byte()
    fields: dict[str, Any] = {f"{kind}DownloadUrl": f"https://x.example.com/{how}" if how % 4 != 3 else None}
    if how % 8 < 6:
        expiry = session.clock + timedelta(days=choices.pick(EXPIRY_DAYS))
        fields[f"{kind}DownloadUrlExpiry"] = session.dialect.time(expiry)
    vendor.spoil(fields, choices, (f"{kind}DownloadUrl",), (f"{kind}DownloadUrlExpiry",))
    if kind != "chat":
        session.report(f"meeting.{kind}", choices, **fields)
        return
    meeting = session.meeting(choices)
    event = {"event": "meeting.chatSynced", **fields}
    event |= {
        {"id": "meetingId"}.get(name, name): value
        for name, value in meeting.items()
        if name not in {"status", "roomName"}
    }
    session.send(vendor.body_of(event, choices), choices)


def change_names(session: Session, choices: Choices) -> None:
    session.room.title = choices.pick(["Renamed", *vendor.TEXTS])
    session.room.organization_name = choices.pick(["Harbour Academy", "Harbour College", ""])


def retry(session: Session, choices: Choices) -> None:
    if not session.sent:
        return
    first, how = session.sent[choices.below(len(session.sent))], choices.byte()
    uuid = [f"d-{next(session.world.numbers)}", first.delivery_uuid, None][how % 3]
    webhook = first.webhook_id if how // 3 % 4 != 3 else "w2"
    at = first.received_at + timedelta(seconds=choices.pick(RETRY_AFTER))
    session.sent.append(
        replace(first, id=session.world.id(at, choices), received_at=at, delivery_uuid=uuid, webhook_id=webhook)
    )


def say_something_new(session: Session, choices: Choices) -> None:
    session.report(choices.pick(["meeting.polled", "poll.created", "x"]), choices, participant={"peerId": "peer-0"})


def talk_nonsense(session: Session, choices: Choices) -> None:
    session.send(choices.pick(vendor.NOT_EVENTS), choices)


def forget_what_identifies(session: Session, choices: Choices) -> None:
    name = choices.pick(["meeting.started", "meeting.participantJoined", "recording.statusUpdate", "meeting.summary"])
    meeting = session.meeting(choices)
    meeting["sessionId"] = choices.pick([None, "", 5, "s\0", "s\ud83d", {"id": "s"}])
    event = {"event": name, "meeting": meeting, "participant": {"peerId": "peer-0"}, "recording": {"id": "r"}}
    if choices.below(2):
        event |= {"meeting": session.meeting(choices), "participant": {"peerId": 7}, "recording": {"status": "PAUSED"}}
    session.send(vendor.body_of(event, choices), choices)


ACTS: list[Callable[[Session, Choices], None] | None] = [
    None,
    *[start, join, join, join, leave, leave, leave, come_back, leave, end, end],
    *[record, record, record, record, record, stream, stream, stream, stream],
    *[flicker, flicker, blink],
    *[export, retry, retry, retry, change_names],
    *[say_something_new, talk_nonsense, forget_what_identifies, leave_without_time],
]
