"""One lesson in fifteen payloads, signed and posted in order, gives the rows that a person would expect."""

import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from typing import Any

import psycopg
import pytest

from tests.lesson import (
    ANA,
    ANA_AGAIN,
    BEN,
    BEN_NAME,
    DIALECTS,
    EVENTS,
    MEETING,
    ORGANIZATION,
    PAYLOADS,
    RECORDING,
    SESSION,
    STREAM,
    TITLE,
    Posted,
    at,
)
from tests.processes import run_system


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
