"""Every trap in the vendor's payloads: a file each, and what becomes of it between two good neighbours."""

from collections.abc import Iterator
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import psycopg
import pytest

from tests.traps.batch import NEIGHBOURS, RECEIVED, Settled
from workers.queue.delivery import Provider
from workers.reading.scope import Scope

PAYLOADS = Path(__file__).parent / "payloads"


def at(time: str, day: str = "2026-03-02") -> datetime:
    return datetime.fromisoformat(f"{day} {time}").replace(tzinfo=UTC)


RIGHT_TO_LEFT = "\u202e\u05e9\u05e8\u05d4 \u0639\u0627\u0626\u0634\u0629\u202c"
RECEIVED_AT = RECEIVED.replace(second=2)
JOINED = {"peer_id": "peer-1", "joined_at": at("09:00:04.512"), "left_at": None, "left_source": None}
LEFT = {**JOINED, "left_at": at("09:20:44"), "left_source": "event"}
RECORDED = {
    "session_id": "session-1",
    "meeting_id": "meeting-1",
    "status": "UPLOADED",
    "started_at": at("09:02:00.903816"),
    "stopped_at": at("09:52:30.865627"),
    "duration_seconds": Decimal("3029.961811"),
    "file_size": None,
    "stop_reason": None,
}
LIVE = {"id": "session-1", "status": "live", "ended_at": None}
NOBODY: dict[str, dict[str, Any] | None] = {"participants": None, "sessions": None, "timeline": None}

# By file: the delivery's status, a part of its error, and the columns that matter, by table (None: no row).
TRAPS: dict[str, tuple[str, str | None, dict[str, dict[str, Any] | None]]] = {
    "dyte/v1-without-session-id.json": ("quarantined", "the body names no session", {**NOBODY, "meetings": None}),
    "dyte/v1-with-participants-array.json": (
        "processed",
        None,
        {
            "sessions": {"id": "session-1", "ended_at": RECEIVED_AT, "end_reason": "ALL_PARTICIPANTS_LEFT"},
            "meetings": {"room_name": "abcdef-ghijkl"},
            "participants": None,
        },
    ),
    "dyte/room-uuid-alone.json": (
        "processed",
        None,
        {
            "recordings": {**RECORDED, "status": "UPLOADING"},
            "timeline": {"session_id": "session-1", "occurred_at": at("09:52:30.865627")},
        },
    ),
    "dyte/room-uuid-disagrees.json": ("processed", None, {"recordings": RECORDED, "sessions": LIVE}),
    "dyte/both-time-formats.json": (
        "processed",
        None,
        {
            "recordings": {**RECORDED, "download_url_expires_at": at("09:52:30.608944", "2026-03-09")},
            "sessions": {"started_at": at("09:00:04.512")},
        },
    ),
    "realtimekit/offset-east.json": ("processed", None, {"participants": LEFT}),
    "realtimekit/offset-west.json": ("processed", None, {"participants": LEFT}),
    "realtimekit/no-offset.json": ("processed", None, {"participants": LEFT}),
    "realtimekit/stray-quote-in-a-time.json": (
        "processed",
        "participant.joinedAt can't be read as a time",
        {"participants": {**JOINED, "joined_at": RECEIVED_AT}, "participant_events": {"occurred_at": RECEIVED_AT}},
    ),
    "realtimekit/file-size-as-text.json": ("processed", None, {"recordings": {**RECORDED, "file_size": 183500800}}),
    "dyte/stop-reason-as-text.json": (
        "processed",
        None,
        {"recordings": {**RECORDED, "stop_reason": "ALL_PEERS_LEFT"}},
    ),
    "realtimekit/stop-reason-as-object.json": (
        "processed",
        None,
        {"recordings": {**RECORDED, "stop_reason": "ALL_PEERS_LEFT"}},
    ),
    "dyte/duration-0.json": ("processed", None, {"recordings": RECORDED}),
    "dyte/duration-0-without-times.json": (
        "processed",
        None,
        {"recordings": {**RECORDED, "started_at": None, "stopped_at": None, "duration_seconds": None}},
    ),
    "dyte/ended-at-in-a-leave.json": (
        "processed",
        None,
        {
            "participants": LEFT,
            "sessions": {"status": "ended", "ended_at": at("09:52:31.030"), "end_reason": None},
            "timeline": {"kind": "participant.left", "occurred_at": at("09:20:44")},
        },
    ),
    "dyte/ended-without-ended-at.json": ("processed", None, {"sessions": {"status": "ended", "ended_at": RECEIVED_AT}}),
    "dyte/ended-at-null.json": ("processed", None, {"sessions": {"status": "ended", "ended_at": RECEIVED_AT}}),
    "realtimekit/name-with-emoji.json": ("processed", None, {"participants": {"display_name": "Ana 👩\u200d🏫🎸"}}),
    "realtimekit/name-right-to-left.json": (
        "processed",
        None,
        {"participants": {"display_name": RIGHT_TO_LEFT}},
    ),
    "realtimekit/name-with-nul.json": (
        "processed",
        "participant.userDisplayName can't be read",
        {"participants": {**JOINED, "display_name": None}},
    ),
    "realtimekit/name-with-half-a-surrogate.json": (
        "processed",
        "participant.userDisplayName can't be read",
        {"participants": {**JOINED, "display_name": None}},
    ),
    "realtimekit/nul-in-an-id.json": ("quarantined", "participant.peerId", NOBODY),
    "dyte/number-out-of-range.json": (
        "processed",
        "recording.fileSize can't be read",
        {"recordings": {"status": "UPLOADED", "file_size": None, "duration_seconds": None}},
    ),
    "dyte/number-beyond-a-bigint.json": (
        "processed",
        "recording.fileSize can't be read",
        {"recordings": {"status": "UPLOADED", "file_size": None}},
    ),
    "dyte/duplicate-keys.json": ("processed", None, {"participants": JOINED, "sessions": LIVE}),
    "dyte/no-custom-participant-id.json": (
        "processed",
        None,
        {"participants": {**JOINED, "custom_participant_id": None}},
    ),
    "dyte/client-specific-id-alone.json": (
        "processed",
        None,
        {"participants": {**JOINED, "custom_participant_id": "student-118"}},
    ),
    "dyte/unknown-event.json": ("unknown", None, {**NOBODY, "meetings": None, "organizations": None}),
    "dyte/unknown-recording-status.json": (
        "processed",
        None,
        {"recordings": {**RECORDED, "status": None}, "timeline": {"kind": "recording.transcoding"}},
    ),
    "realtimekit/unknown-livestream-status.json": (
        "processed",
        None,
        {
            "livestreams": {"stream_id": "stream-1", "status": "BUFFERING", "last_changed_at": RECEIVED_AT},
            "timeline": {"session_id": None, "kind": "livestream.buffering", "occurred_at": RECEIVED_AT},
        },
    ),
    "dyte/leave-without-left-at.json": ("quarantined", "participant.leftAt", NOBODY),
    "dyte/no-participant.json": ("quarantined", "participant.peerId", NOBODY),
    "dyte/no-meeting.json": ("quarantined", "the body names no session", NOBODY),
    "dyte/no-recording.json": ("quarantined", "recording.id", {**NOBODY, "recordings": None}),
    "dyte/no-stream.json": ("quarantined", "streamId", {"livestreams": None, "timeline": None}),
    "dyte/no-event.json": ("quarantined", "the body names no event", NOBODY),
    "dyte/array.json": ("quarantined", "no object", NOBODY),
    "dyte/scalar.json": ("quarantined", "no object", NOBODY),
    "dyte/empty.bin": ("quarantined", "the body is empty", NOBODY),
    "dyte/not-json.bin": ("quarantined", "the body is not JSON", NOBODY),
    "dyte/not-utf-8.bin": ("quarantined", "the body is not UTF-8", NOBODY),
    "dyte/byte-order-mark.bin": ("quarantined", "the body is not JSON", NOBODY),
    "dyte/foreign-organization.json": ("foreign", None, {**NOBODY, "organizations": None, "meetings": None}),
    "dyte/foreign-organization-of-a-recording.json": (
        "foreign",
        None,
        {**NOBODY, "organizations": None, "recordings": None},
    ),
}
KEPT_AS_BYTES = {
    "realtimekit/name-with-nul.json",
    "realtimekit/name-with-half-a-surrogate.json",
    "realtimekit/nul-in-an-id.json",
    "dyte/number-out-of-range.json",
}


@pytest.fixture
def settled(database_url: str) -> Iterator[Settled]:
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute("SET timezone = 'UTC'")
        yield Settled(connection, Scope(organization_ids=frozenset({"org-1", NEIGHBOURS})))


def test_every_payload_has_its_expectation() -> None:
    files = {str(file.relative_to(PAYLOADS)) for file in PAYLOADS.rglob("*.*")}
    assert files == TRAPS.keys()


@pytest.mark.parametrize("name", TRAPS)
def test_a_trap_is_kept_for_what_it_is_and_its_neighbours_count(settled: Settled, name: str) -> None:
    status, error, tables = TRAPS[name]
    body = (PAYLOADS / name).read_bytes()
    [row] = settled.among_neighbours(body, provider=Provider(name.partition("/")[0]))
    assert row["status"] == status
    assert (error or "") in (row["error"] or "")
    assert (row["error"] is None) == (error is None)
    as_bytes = name in KEPT_AS_BYTES or name.endswith(".bin")
    assert (row["payload"] is None, row["raw"]) == (as_bytes, body if as_bytes else None)
    for table, expected in tables.items():
        found = settled.row(table)
        if expected is None:
            assert found is None
        else:
            assert found is not None
            assert {column: found[column] for column in expected} == expected


def test_all_traps_in_one_batch_become_what_each_becomes_alone(settled: Settled) -> None:
    rows = settled.among_neighbours(*((PAYLOADS / name).read_bytes() for name in TRAPS))
    assert {name: row["status"] for name, row in zip(TRAPS, rows, strict=True)} == {
        name: status for name, (status, _, _) in TRAPS.items()
    }
