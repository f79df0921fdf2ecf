"""With `ORGANIZATION_IDS` set, what names another organization, or none that can be read, changes no table."""

import json
from collections.abc import Iterator
from typing import Any

import psycopg
import pytest

from tests.traps.batch import NEIGHBOURS, Row, Settled
from workers.reading.scope import Scope

OURS, OTHERS = {"id": "ours", "name": "Harbour Academy"}, {"id": "others", "name": "Somebody else"}
SCOPE = Scope(organization_ids=frozenset({"ours", "ours-too", NEIGHBOURS}))
TABLES = ["organizations", "meetings", "sessions", "participants", "participant_events"]
TABLES += ["recordings", "livestreams", "artifacts", "timeline"]
PLAIN_EVENTS = ["meeting.started", "meeting.ended", "meeting.participantJoined", "meeting.participantLeft"]
PLAIN_EVENTS += ["recording.statusUpdate", "meeting.chatSynced", "meeting.transcript", "meeting.summary"]
UNREADABLE: list[Any] = [None, 7, "", True, 1.5, [], ["ours"], {}, OURS, "x" * 256, "ours\0", "ours\ud83d"]


def event(name: str, meeting: dict[str, Any] | None = None, **fields: Any) -> bytes:
    """A whole event that names no organization, but for what the arguments add."""
    body = {
        "event": name,
        "sessionId": "session-1",
        "meetingId": "meeting-1",
        "meeting": {"id": "meeting-1", "sessionId": "session-1", "title": "Algebra", **(meeting or {})},
        "participant": {"peerId": "peer-1", "joinedAt": "2026-03-02T09:00:00Z", "leftAt": "2026-03-02T09:30:00Z"},
        "recording": {"id": "recording-1", "status": "INVOKED", "roomUUID": "session-1"},
        "streamId": "stream-1",
        "status": "LIVE",
    }
    if name == "meeting.chatSynced" and not meeting:
        del body["meeting"]
    return json.dumps(body | fields).encode()


def recording(**members: Any) -> dict[str, Any]:
    return {"id": "recording-1", "status": "INVOKED", "roomUUID": "session-1", **members}


@pytest.fixture
def settled(database_url: str) -> Iterator[Settled]:
    with psycopg.connect(database_url, autocommit=True) as connection:
        yield Settled(connection, SCOPE)


def touched(settled: Settled) -> dict[str, list[Row]]:
    """The tables that have rows which are not the neighbours'."""
    rows = {table: [row for row in settled.rows(table) if "neighbour" not in f"{row}"] for table in TABLES}
    return {table: found for table, found in rows.items() if found}


@pytest.mark.parametrize("name", [*PLAIN_EVENTS, "meeting.unheardOf", ""])
def test_an_event_that_names_no_organization_that_can_be_read_is_foreign(settled: Settled, name: str) -> None:
    bodies = [event(name)]
    for wrong in UNREADABLE:
        bodies += [
            event(name, {"organizedBy": {"id": wrong}}),
            event(name, organizedBy={"id": wrong}, organizationId=wrong),
            event(name, recording=recording(organizationId=wrong)),
            event(name, organizedBy=[OURS] if wrong == OURS else wrong),
        ]
    rows = settled.among_neighbours(*set(bodies))
    assert {(row["status"], row["error"]) for row in rows} == {("foreign", None)}
    assert touched(settled) == {}


@pytest.mark.parametrize("name", [*PLAIN_EVENTS, "livestreaming.statusUpdate", "meeting.unheardOf", ""])
def test_an_event_that_names_others_anywhere_is_foreign_whatever_else_it_names(settled: Settled, name: str) -> None:
    ours = {"organizedBy": OURS}
    bodies = [
        event(name, {"organizedBy": OTHERS}),
        event(name, {"organizedBy": OTHERS}, organizedBy=OURS, organizationId="ours"),
        event(name, ours, organizedBy=OTHERS),
        event(name, ours, organizationId="others"),
        event(name, {**ours, "organizationId": "others"}),
        event(name, ours, recording=recording(organizationId="others")),
        event(name, ours, recording=recording(organizedBy=OTHERS)),
        event(name, ours, organizationId="ours "),
        event(name, ours, organizationId="o" * 300),
    ]
    rows = settled.among_neighbours(*bodies)
    assert {row["status"] for row in rows} == {"foreign"}
    assert touched(settled) == {}


@pytest.mark.parametrize("name", PLAIN_EVENTS)
@pytest.mark.parametrize(
    ("meeting", "fields"),
    [
        ({"organizedBy": OURS}, {}),
        ({}, {"organizedBy": OURS}),
        ({}, {"organizationId": "ours"}),
        ({"organizedBy": OURS}, {"organizationId": "ours-too"}),
        ({"organizedBy": {"id": 7}}, {"organizationId": "ours"}),
    ],
    ids=["meeting", "organizer", "id", "both-ours", "one-unreadable"],
)
def test_an_event_that_names_ours_counts(
    settled: Settled, name: str, meeting: dict[str, Any], fields: dict[str, Any]
) -> None:
    [row] = settled.among_neighbours(event(name, meeting, **fields))
    assert row["status"] == "processed"
    assert {one["organization_id"] for one in touched(settled)["sessions"]} == {"ours"}


@pytest.mark.parametrize("organizer", [{}, {"organizedBy": None}, {"organizedBy": {"id": 7}}])
def test_a_stream_of_no_organization_touches_its_own_row_alone(settled: Settled, organizer: dict[str, Any]) -> None:
    bare = json.dumps({"event": "livestreaming.statusUpdate", "streamId": "stream-1", "status": "OFFLINE"}).encode()
    with_meeting = event("livestreaming.statusUpdate", organizer, playbackUrl="https://live.example.com/1")
    first, second, third = settled.among_neighbours(bare, with_meeting, event("livestreaming.statusUpdate", meeting={}))
    assert [one["status"] for one in (first, second, third)] == ["processed"] * 3
    assert (first["error"], second["session_id"], second["meeting_id"]) == (None, None, None)
    assert "the meeting is left aside, as the body names no organization" in second["error"]
    # Settled with another update later, it is read again from the ledger: still without its meeting.
    settled.among_neighbours(event("livestreaming.statusUpdate", status="IDLE"))
    assert touched(settled).keys() == {"livestreams", "timeline"}
    [stream] = touched(settled)["livestreams"]
    assert (stream["status"], stream["meeting_id"]) == ("IDLE", None)
    assert stream["playback_url"] == "https://live.example.com/1"
    assert {entry["session_id"] for entry in touched(settled)["timeline"]} == {None}


def test_a_stream_that_names_ours_keeps_its_meeting_and_session(settled: Settled) -> None:
    [row] = settled.among_neighbours(event("livestreaming.statusUpdate", {"organizedBy": OURS}))
    assert (row["status"], row["session_id"]) == ("processed", "session-1")
    assert touched(settled).keys() == {"organizations", "meetings", "sessions", "livestreams", "timeline"}


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b"null", b'"meeting.started"', b"\xff", b"[" * 1000])
def test_a_body_that_cant_be_read_is_quarantined_for_nobody_can_tell_whose_it_is(settled: Settled, body: bytes) -> None:
    [row] = settled.among_neighbours(body)
    assert row["status"] == "quarantined"
    assert row["error"]
    assert touched(settled) == {}


def test_without_the_setting_an_event_of_no_organization_counts(database_url: str) -> None:
    with psycopg.connect(database_url, autocommit=True) as connection:
        settled = Settled(connection)
        rows = settled.among_neighbours(event("meeting.started"), event("livestreaming.statusUpdate"))
        assert [row["status"] for row in rows] == ["processed"] * 2
        assert {entry["session_id"] for entry in touched(settled)["timeline"]} == {"session-1"}
