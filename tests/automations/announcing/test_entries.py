"""Each new entry of the timeline is told once, whatever happens; one that no longer stands is withdrawn."""

from datetime import timedelta
from typing import Any

import psycopg
import pytest

from automations.announcing.round import tell_changes
from tests.automations.announcing.world import Row, World, types
from workers.reading.scope import Scope
from workers.settling.replay_chosen import Selection, replay

STREAM: Row = {"streamId": "l-1", "status": "LIVE", "meetingId": "m-1"}


def test_what_happens_is_told_in_the_order_in_which_it_happened(world: World) -> None:
    world.settle(world.left(60, "p-1"), world.joined(5, "p-1"))
    world.settle(world.started())
    assert types(world.tell()) == ["session.started", "participant.joined", "participant.left"]
    assert world.tell() == []


def test_a_message_carries_the_rows_that_it_is_about(world: World, database_url: str) -> None:
    world.settle(world.started(), world.joined(5, "p-1"))
    [_, message] = world.tell()
    body = message["body"]
    assert body.keys() == {"type", "timestamp", "data"}
    assert (body["type"], body["timestamp"]) == ("participant.joined", world.at(5).isoformat().replace("+00:00", "Z"))
    session, entry, participant = (body["data"][name] for name in ("session", "entry", "participant"))
    assert session.keys() == {"id", "meeting_id", "organization_id", "title", "status", "started_at", "ended_at"}
    assert (session["id"], session["organization_id"], session["status"]) == ("s-1", "org-1", "live")
    assert entry.keys() == {
        *("session_id", "occurred_at", "kind", "subject_id", "detail"),
        *("delivery_id", "source", "observation_id"),
    }
    assert participant["custom_participant_id"] == "person-p-1"
    columns = world.connection.execute("SELECT * FROM rollcall.participants LIMIT 0").description or []
    assert participant.keys() <= {column.name for column in columns}
    assert (message["session_id"], message["meeting_id"], message["organization_id"]) == ("s-1", "m-1", "org-1")


def test_without_an_endpoint_nothing_is_written(database_url: str) -> None:
    with psycopg.connect(database_url, autocommit=True) as connection:
        world = World(connection)
        world.settle(world.started(), world.joined(5, "p-1"))
        assert world.rows("marks") == []
        world.add_endpoint()
        world.settle(world.left(60, "p-1"))
        assert [(mark["kind"], mark["subject"]) for mark in world.rows("marks")] == [("session", "s-1")]


def test_a_batch_marks_a_session_once(world: World) -> None:
    world.settle(world.started(), *(world.joined(5 + number, f"p-{number}") for number in range(20)))
    assert len(world.rows("marks")) == 1


def test_an_endpoint_is_not_told_of_what_came_before_it(world: World) -> None:
    world.settle(world.started(), world.joined(5, "p-1"))
    world.add_endpoint("e-2", created_at=world.at(30))
    world.settle(world.left(60, "p-1"))
    world.tell()
    assert [endpoint for kind, endpoint in world.deliveries() if kind == "participant.joined"] == ["e-1"]
    assert {endpoint for kind, endpoint in world.deliveries() if kind == "participant.left"} == {"e-1", "e-2"}


@pytest.mark.parametrize(
    ("columns", "expected"),
    [
        ({"types": ["session.*"]}, {"session.started"}),
        ({"types": ["*.joined"]}, {"participant.joined"}),
        ({"types": ["recording.*"]}, set()),
        ({"organization_ids": ["org-2"]}, set()),
        ({"organization_ids": ["org-1", "org-2"]}, {"session.started", "participant.joined"}),
        ({"meeting_ids": ["m-2"]}, set()),
        ({"meeting_ids": ["m-1"]}, {"session.started", "participant.joined"}),
    ],
)
def test_an_endpoint_gets_what_it_wants(world: World, columns: dict[str, Any], expected: set[str]) -> None:
    world.add_endpoint("e-2", **columns)
    world.settle(world.started(), world.joined(5, "p-1"))
    world.tell()
    assert {kind for kind, endpoint in world.deliveries() if endpoint == "e-2"} == expected


def test_what_happened_long_before_it_was_committed_is_held(world: World) -> None:
    world.start -= timedelta(days=30)
    world.settle(world.started(), world.joined(5, "p-1"), world.ended(60))
    world.tell()
    assert set(world.deliveries().values()) == {("held", "old")}


def test_what_waited_while_nobody_announced_is_not_old(world: World) -> None:
    world.settle(world.started(), world.joined(5, "p-1"))
    world.connection.execute(
        "UPDATE rollcall.deliveries SET processed_at = processed_at - interval '3 days', "
        "received_at = received_at - interval '3 days'"
    )
    world.connection.execute("UPDATE rollcall.timeline SET occurred_at = occurred_at - interval '3 days'")
    world.tell()
    assert set(world.deliveries().values()) == {("pending", None)}


def test_what_is_meant_for_a_disabled_endpoint_is_held(world: World) -> None:
    world.connection.execute("UPDATE rollcall.endpoints SET status = 'disabled'")
    world.settle(world.started())
    world.tell()
    assert set(world.deliveries().values()) == {("held", "disabled")}


def test_a_replay_that_changes_nothing_tells_nothing(world: World, database_url: str) -> None:
    world.settle(world.started(), world.joined(5, "p-1"), world.recording(20, "RECORDING"), world.ended(60))
    assert types(world.tell())[-1] == "session.settled"
    replay(database_url, Selection(everything=True), Scope())
    assert len(world.rows("marks")) == 1
    assert world.tell() == []


def test_a_copy_received_earlier_says_nothing_new(world: World) -> None:
    artifact = {"transcriptDownloadUrl": "https://example.com/t"}
    world.settle(world.started(), world.event(100, "meeting.transcript", uuid="later", **artifact))
    [_, told] = world.tell()
    world.settle(world.event(90, "meeting.transcript", uuid="earlier", **artifact))
    assert world.rows("timeline")[-1]["occurred_at"] == world.at(90)
    assert world.tell() == []
    assert told["type"] == "transcript.available"


def test_an_entry_that_no_longer_stands_is_withdrawn_and_may_stand_again(world: World) -> None:
    world.settle(
        world.recording(0, "RECORDING", "1"), world.recording(30, "PAUSED", "2"), world.recording(80, "RECORDING", "3")
    )
    told = world.tell()
    assert types(told) == ["recording.recording", "recording.paused", "recording.recording"]
    # A copy between the two makes the last one a retry: it came within a minute of it.
    world.settle(world.recording(40, "RECORDING", "4"))
    [withdrawn] = world.tell()
    assert withdrawn["type"] == "entry.withdrawn"
    assert withdrawn["body"]["data"]["entry"] == told[-1]["body"]["data"]["entry"]
    assert withdrawn["body"]["data"]["message"] == told[-1]["id"]
    world.settle(world.recording(150, "RECORDING", "5"), world.recording(145, "UPLOADING", "6"))
    assert types(world.tell()) == ["recording.uploading", "recording.recording"]
    ids = [message["id"] for message in world.rows("messages")]
    assert len(ids) == len(set(ids))


def test_a_quarantined_delivery_is_told_without_its_payload(world: World) -> None:
    world.settle(world.event(5, "meeting.participantLeft", participant={"peerId": ""}), world.started())
    [_, message] = sorted(world.tell(), key=lambda row: row["type"], reverse=True)
    assert message["type"] == "delivery.quarantined"
    delivery = message["body"]["data"]["delivery"]
    assert delivery["status"] == "quarantined"
    assert delivery["error"]
    assert delivery.keys() & {"payload", "raw"} == set()


def test_a_livestream_without_a_session_is_told_if_its_meeting_is_known(world: World) -> None:
    world.settle(world.started(), world.event(5, "livestreaming.statusUpdate", None, **STREAM))
    [_, message] = world.tell()
    assert (message["type"], message["session_id"], message["meeting_id"]) == ("livestream.live", None, "m-1")
    assert message["body"]["data"]["livestream"]["stream_id"] == "l-1"


def test_a_livestream_that_can_be_anybodys_is_not_told(world: World) -> None:
    ours = Scope(organization_ids=frozenset({"org-1"}))
    world.settle(world.event(5, "livestreaming.statusUpdate", None, **STREAM), scope=ours)
    assert len(world.rows("timeline")) == 1
    assert world.tell() == []


def test_a_long_name_does_not_make_a_body_too_large(world: World) -> None:
    joined = world.event(
        5, "meeting.participantJoined", participant={"peerId": "p-1", "userDisplayName": "x" * 600_000}
    )
    world.settle(world.started(), joined)
    for message in world.tell():
        row = world.connection.execute(
            "SELECT octet_length(body::text) FROM rollcall.messages WHERE id = %s", [message["id"]]
        ).fetchone()
        assert row is not None
        assert row[0] <= 256 * 1024


def test_a_session_is_not_looked_at_again_at_once(world: World) -> None:
    world.settle(world.started())
    world.tell()
    world.settle(world.joined(5, "p-1"))
    world.connection.execute("UPDATE rollcall.tellings SET looked_at = clock_timestamp() + interval '1 minute'")
    assert tell_changes(world.connection, timedelta(hours=24), timedelta(0)).messages == 0
    assert len(world.rows("marks")) == 1
    world.connection.execute("UPDATE rollcall.tellings SET looked_at = looked_at - interval '1 minute'")
    assert types(world.tell()) == ["participant.joined"]
