"""One lesson in fifteen payloads, signed and posted in order, gives the rows that a person would expect."""

import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from decimal import Decimal
from hashlib import sha256
from pathlib import Path
from typing import Any

import psycopg
import pytest
from psycopg.rows import dict_row

from tests.processes import run_system

PAYLOADS = Path(__file__).parent / "payloads"

MEETING = "b1a7f2ce-6a1f-4b0c-8a4e-0f5d2c9e7a01"
SESSION = "0c9d4b7e-2f13-4f6a-9e58-6b1d3a2c5f02"
ORGANIZATION = "7f5c0f6a-41a3-4a0e-9c0f-3d0c7b5a1e10"
ANA, BEN = "4be7a0d1-1c55-4f0d-8f0b-90b8a6a3d711", "e0c2c9b8-7d47-4f3b-a0f6-5a9f2a6e4b21"
ANA_AGAIN = "4be7a0d1-1c55-4f0d-8f0b-90b8a6a3d712"
RECORDING = "3a5e9d40-8e9f-4f5b-8f7c-1b2d6e7f8a31"
STREAM = "d9a1b0c2-55d1-4b6e-9d38-1f0e2c3b4a41"
BEN_NAME = "Ben O\u2019Neill 🎸"
TITLE = "Algebra II, lesson 14"
EVENTS = [
    "meeting.started",
    "meeting.participantJoined",
    "meeting.participantJoined",
    "recording.statusUpdate",
    "recording.statusUpdate",
    "meeting.participantLeft",
    "meeting.participantJoined",
    "recording.statusUpdate",
    "meeting.participantLeft",
    "meeting.ended",
    "recording.statusUpdate",
    "meeting.chatSynced",
    "meeting.transcript",
    "meeting.summary",
    "livestreaming.statusUpdate",
]


def at(time: str, day: str = "2026-03-02") -> datetime:
    return datetime.fromisoformat(f"{day} {time}").replace(tzinfo=UTC)


# What the two dialects say differently.
DIALECTS: dict[str, dict[str, Any]] = {
    "dyte": {
        "room_name": "abcdef-ghijkl",
        "recording_started": at("09:02:00.903816"),
        "recording_stopped": at("09:52:30.865627"),
        "recording_seconds": Decimal("3029.961811"),
        "recording_expires": at("09:52:30.608944", "2026-03-09"),
        "stop_reason": "ALL_PEERS_LEFT",
        "chat_expires": at("09:58:39.051621", "2026-03-09"),
        "stream_meeting": None,
        "playback_url": None,
    },
    "realtimekit": {
        "room_name": MEETING,
        "recording_started": at("09:02:00.903"),
        "recording_stopped": at("09:52:30.865"),
        "recording_seconds": Decimal("3029.962"),
        "recording_expires": at("09:52:30.608", "2026-03-09"),
        "stop_reason": None,
        "chat_expires": at("09:58:39.051", "2026-03-09"),
        "stream_meeting": MEETING,
        "playback_url": "https://live.example.com/s/index.m3u8",
    },
}


OF_THE_API = ("api_", "live_at", "first_observed_at", "user_id", "preset_name", "spans_connections", "observation_id")


class Posted:
    """The database after all fifteen, and the values that differ by dialect."""

    def __init__(self, dialect: str, bodies: list[bytes], connection: psycopg.Connection[Any]) -> None:
        self.dialect = dialect
        self.bodies = bodies
        self.said = DIALECTS[dialect]
        self._cursor = connection.cursor(row_factory=dict_row)
        self.deliveries = self.rows("deliveries", "id")
        self.ids = [row["id"] for row in self.deliveries]
        self.received = [row["received_at"] for row in self.deliveries]

    def rows(self, table: str, order: str, *, without: tuple[str, ...] = ()) -> list[dict[str, Any]]:
        """Return a table's rows, without the columns that only merging needs and those of the vendor's API."""
        rows = self._cursor.execute(f"SELECT * FROM rollcall.{table} ORDER BY {order}".encode()).fetchall()
        inner = ("_by", *without)
        return [
            {
                n: v
                for n, v in row.items()
                if not n.endswith(inner) and not n.startswith(("stated_", "noticed_", "last_received", *OF_THE_API))
            }
            for row in rows
        ]


@pytest.fixture(params=DIALECTS)
def posted(request: pytest.FixtureRequest, tmp_path: Path, database_url: str) -> Iterator[Posted]:
    files = sorted((PAYLOADS / request.param).glob("*.json"))
    bodies = [file.read_bytes() for file in files]
    with run_system(tmp_path, database_url) as system:
        for number, body in enumerate(bodies, start=1):
            answer = system.post(body, request.param, f"delivery-{number}")
            assert (answer.status, answer.json) == (200, {"status": "accepted"})
        system.wait_for(len(bodies))
    with psycopg.connect(database_url) as connection:
        connection.execute("SET timezone = 'UTC'")
        yield Posted(request.param, bodies, connection)


def test_the_fifteen_payloads_make_the_rows_that_a_person_expects(posted: Posted) -> None:
    for expect in EXPECTATIONS:
        expect(posted)


def deliveries(posted: Posted) -> None:
    before = datetime.now(UTC)
    assert len(posted.deliveries) == 15
    for number, (row, body) in enumerate(zip(posted.deliveries, posted.bodies, strict=True), start=1):
        payload = json.loads(body)
        payload.pop("streamKey", None)
        names_session = number < 15
        names_meeting = names_session or posted.dialect == "realtimekit"
        assert row["received_at"] <= row["processed_at"] <= before
        assert row == {
            "id": row["id"],
            "provider": posted.dialect,
            "delivery_uuid": f"delivery-{number}",
            "webhook_id": "webhook-1",
            "event": EVENTS[number - 1],
            "body_sha256": sha256(body).digest(),
            "received_at": row["received_at"],
            "processed_at": row["processed_at"],
            "status": "processed",
            "error": None,
            "repeat_of": None,
            "session_id": SESSION if names_session else None,
            "meeting_id": MEETING if names_meeting else None,
            "subject_id": {4: RECORDING, 5: RECORDING, 8: RECORDING, 11: RECORDING, 15: STREAM}.get(number),
            "payload": payload,
            "raw": None,
        }
    assert posted.received == sorted(set(posted.received))
    assert [row["id"].version for row in posted.deliveries] == [7] * 15


def organizations_and_meetings(posted: Posted) -> None:
    assert posted.rows("organizations", "id") == [{"id": ORGANIZATION, "name": "Harbour Academy"}]
    assert posted.rows("meetings", "id") == [
        {
            "id": MEETING,
            "organization_id": ORGANIZATION,
            "title": TITLE,
            "room_name": posted.said["room_name"],
            "created_at": at("15:21:40.118", "2026-02-20"),
        }
    ]


def sessions(posted: Posted) -> None:
    assert posted.rows("sessions", "id") == [
        {
            "id": SESSION,
            "meeting_id": MEETING,
            "organization_id": ORGANIZATION,
            "title": TITLE,
            "status": "ended",
            "started_at": at("09:00:04.512"),
            "started_source": "event",
            "ended_at": at("09:52:31.030"),
            "ended_source": "event",
            "end_reason": "HOST_ENDED_MEETING",
            "last_event_at": posted.received[13],
        }
    ]


def participants(posted: Posted) -> None:
    def connection(peer: str, person: str, name: str, joined: str, left: str, source: str) -> dict[str, Any]:
        return {
            "session_id": SESSION,
            "peer_id": peer,
            "custom_participant_id": person,
            "display_name": name,
            "joined_at": at(joined),
            "joined_source": "event",
            "left_at": at(left),
            "left_source": source,
        }

    assert posted.rows("participants", "joined_at", without=("last_joined_at", "last_left_at")) == [
        connection(ANA, "student-118", "Ana Ruiz", "09:00:04.512", "09:20:44", "event"),
        connection(BEN, "teacher-7", BEN_NAME, "09:01:10.004", "09:52:29.700", "event"),
        # the leave of Ana's second connection never came
        connection(ANA_AGAIN, "student-118", "Ana Ruiz", "09:22:01.250", "09:52:31.030", "session_end"),
    ]


def participant_events(posted: Posted) -> None:
    expected = [
        (ANA, "joined", "09:00:04.512", 2),
        (BEN, "joined", "09:01:10.004", 3),
        (ANA, "left", "09:20:44", 6),
        (ANA_AGAIN, "joined", "09:22:01.250", 7),
        (BEN, "left", "09:52:29.700", 9),
    ]
    assert posted.rows("participant_events", "occurred_at") == [
        {
            "session_id": SESSION,
            "peer_id": peer,
            "kind": kind,
            "occurred_at": at(time),
            "delivery_id": posted.ids[number - 1],
        }
        for peer, kind, time, number in expected
    ]


def recordings(posted: Posted) -> None:
    assert posted.rows("recordings", "id") == [
        {
            "id": RECORDING,
            "session_id": SESSION,
            "meeting_id": MEETING,
            "status": "UPLOADED",
            "invoked_at": posted.received[3],
            "started_at": posted.said["recording_started"],
            "stopped_at": posted.said["recording_stopped"],
            "duration_seconds": posted.said["recording_seconds"],
            "file_size": 183500800,
            "file_name": "algebra-14.mp4",
            "download_url": "https://recordings.example.com/algebra-14.mp4?sig=x",
            "audio_download_url": "https://recordings.example.com/algebra-14.mp3?sig=x",
            "download_url_expires_at": posted.said["recording_expires"],
            "stop_reason": posted.said["stop_reason"],
        }
    ]


def livestreams(posted: Posted) -> None:
    assert posted.rows("livestreams", "stream_id") == [
        {
            "stream_id": STREAM,
            "meeting_id": posted.said["stream_meeting"],
            "status": "LIVE",
            "last_changed_at": posted.received[14],
            "playback_url": posted.said["playback_url"],
        }
    ]


def artifacts(posted: Posted) -> None:
    expected = [
        ("chat", "https://exports.example.com/chat.csv?sig=x", posted.said["chat_expires"]),
        ("summary", "https://exports.example.com/summary.txt?sig=x", at("09:59:39.051621", "2026-03-09")),
        ("transcript", "https://exports.example.com/transcript.csv?sig=x", at("09:58:39.051621", "2026-03-09")),
    ]
    assert posted.rows("artifacts", "kind") == [
        {"session_id": SESSION, "kind": kind, "download_url": url, "download_url_expires_at": expires}
        for kind, url, expires in expected
    ]


def timeline(posted: Posted) -> None:
    received = posted.received
    ana = {"display_name": "Ana Ruiz", "custom_participant_id": "student-118"}
    ben = {"display_name": BEN_NAME, "custom_participant_id": "teacher-7"}
    file = {"file_name": "algebra-14.mp4"}
    stopped = {"stop_reason": posted.said["stop_reason"]} if posted.said["stop_reason"] else {}
    expected: list[tuple[int, str, str, datetime, dict[str, Any]]] = [
        (1, "session.started", SESSION, at("09:00:04.512"), {"title": TITLE}),
        (2, "participant.joined", ANA, at("09:00:04.512"), ana),
        (3, "participant.joined", BEN, at("09:01:10.004"), ben),
        (4, "recording.invoked", RECORDING, received[3], {"status": "INVOKED", **file}),
        (5, "recording.recording", RECORDING, posted.said["recording_started"], {"status": "RECORDING", **file}),
        (6, "participant.left", ANA, at("09:20:44"), ana),
        (7, "participant.joined", ANA_AGAIN, at("09:22:01.250"), ana),
        (8, "recording.uploading", RECORDING, posted.said["recording_stopped"], {"status": "UPLOADING"}),
        (9, "participant.left", BEN, at("09:52:29.700"), ben),
        (10, "session.ended", SESSION, at("09:52:31.030"), {"reason": "HOST_ENDED_MEETING"}),
        (11, "recording.uploaded", RECORDING, received[10], {"status": "UPLOADED", **file, **stopped}),
        (12, "chat.available", SESSION, received[11], {}),
        (13, "transcript.available", SESSION, received[12], {}),
        (14, "summary.available", SESSION, received[13], {}),
        (15, "livestream.live", STREAM, received[14], {"status": "LIVE"}),
    ]
    assert posted.rows("timeline", "delivery_id") == [
        {
            "session_id": SESSION if number < 15 else None,
            "occurred_at": occurred_at,
            "kind": kind,
            "subject_id": subject,
            "detail": detail,
            "delivery_id": posted.ids[number - 1],
            "id": posted.ids[number - 1],
            "source": "event",
        }
        for number, kind, subject, occurred_at, detail in expected
    ]


EXPECTATIONS: list[Callable[[Posted], None]] = [
    deliveries,
    organizations_and_meetings,
    sessions,
    participants,
    participant_events,
    recordings,
    livestreams,
    artifacts,
    timeline,
]
