"""How old a message is, and which endpoints are newer than it, where its event or the receiver says little of time."""

from datetime import timedelta
from typing import Any

import psycopg
import pytest

from tests.automations.announcing.world import World, types
from workers.queue.delivery import Delivery

HELD, PENDING = ("held", "old"), ("pending", None)
LAST_YEAR, YESTERDAY = -300 * 86_400, -20 * 3600
STREAM = {"streamId": "l-1", "status": "LIVE", "meetingId": "m-1"}
UNDATED: list[tuple[str, str, dict[str, Any]]] = [
    ("transcript.available", "meeting.transcript", {"transcriptDownloadUrl": "https://example.com/t"}),
    ("summary.available", "meeting.summary", {"summaryDownloadUrl": "https://example.com/s"}),
    ("recording.uploaded", "recording.statusUpdate", {"recording": {"id": "r-1", "status": "UPLOADED"}}),
]


def posted_now(world: World, event: str, stated: float, name: str = "startedAt", **members: Any) -> Delivery:
    """A delivery received now whose `meeting` states a time."""
    return world.event(0, event, uuid=event, meeting={name: world.at(stated)}, **members)


@pytest.mark.parametrize(("kind", "event", "members"), UNDATED)
def test_an_entry_without_a_time_is_as_old_as_its_session(
    world: World, kind: str, event: str, members: dict[str, Any]
) -> None:
    world.settle(
        posted_now(world, "meeting.ended", LAST_YEAR, "endedAt"), posted_now(world, event, LAST_YEAR, **members)
    )
    world.tell()
    assert set(world.deliveries().values()) == {HELD}
    assert (kind, "e-1") in world.deliveries()


@pytest.mark.parametrize(("kind", "event", "members"), UNDATED)
def test_it_is_so_before_the_session_is_known_to_have_ended(
    world: World, kind: str, event: str, members: dict[str, Any]
) -> None:
    world.settle(posted_now(world, event, LAST_YEAR, **members))
    world.tell()
    assert world.deliveries() == {(kind, "e-1"): HELD}


@pytest.mark.parametrize(("kind", "event", "members"), UNDATED)
def test_in_a_session_of_today_it_is_as_old_as_its_delivery(
    world: World, kind: str, event: str, members: dict[str, Any]
) -> None:
    # Started two days ago, and still going on.
    left = {"peerId": "p-1", "leftAt": world.at(YESTERDAY)}
    world.settle(
        posted_now(world, "meeting.participantLeft", 2 * YESTERDAY, participant=left),
        posted_now(world, event, 2 * YESTERDAY, **members),
    )
    world.tell()
    assert world.deliveries()[kind, "e-1"] == PENDING


def test_a_livestream_is_as_old_as_the_last_session_of_its_meeting(world: World) -> None:
    world.settle(world.event(0, "livestreaming.statusUpdate", None, **STREAM))
    world.settle(posted_now(world, "meeting.ended", LAST_YEAR, "endedAt"))
    world.tell()
    assert world.deliveries()["livestream.live", "e-1"] == HELD
    world.settle(
        world.started(0, "s-2"), world.event(100, "livestreaming.statusUpdate", None, **{**STREAM, "status": "OFFLINE"})
    )
    world.tell()
    assert world.deliveries()["livestream.offline", "e-1"] == PENDING


def test_what_is_held_for_its_age_is_withdrawn_in_silence(world: World) -> None:
    def status(second: float, status: str) -> Delivery:
        recording = {"recordingId": "r-1", "id": "r-1", "status": status}
        meeting = {"startedAt": world.at(LAST_YEAR)}
        return world.event(second, "recording.statusUpdate", uuid=f"{second}", recording=recording, meeting=meeting)

    world.settle(status(0, "RECORDING"), status(30, "PAUSED"), status(80, "RECORDING"))
    world.tell()
    world.settle(status(40, "RECORDING"))
    assert types(world.tell()) == ["entry.withdrawn"]
    assert set(world.deliveries().values()) == {HELD}


def test_a_receiver_whose_clock_is_hours_behind_leaves_nothing_untold(database_url: str) -> None:
    """Its deliveries would seem older than the endpoint; but nothing is received before it happened."""
    with psycopg.connect(database_url, autocommit=True) as connection:
        right, behind = World(connection), World(connection)
        behind.start -= timedelta(hours=20)
        right.add_endpoint(created_at=right.start - timedelta(hours=1))
        stated = {"startedAt": right.at(0)}
        joined = {"peerId": "p-1", "joinedAt": right.at(5)}
        right.settle(
            behind.event(0, "meeting.started", meeting=stated),
            behind.event(5, "meeting.participantJoined", meeting=stated, participant=joined),
            behind.event(50, "meeting.ended", meeting={"endedAt": right.at(50)}),
            behind.event(60, "meeting.transcript", meeting=stated, transcriptDownloadUrl="https://example.com/t"),
        )
        right.tell()
        assert {type_ for type_, _ in right.deliveries()} == {
            "session.started",
            "participant.joined",
            "session.ended",
            "transcript.available",
            "session.settled",
        }
        assert set(right.deliveries().values()) == {PENDING}


def test_what_is_older_than_the_endpoint_is_not_told(database_url: str) -> None:
    with psycopg.connect(database_url, autocommit=True) as connection:
        world = World(connection)
        world.settle(world.started(0), world.joined(5, "p-1"))
        world.add_endpoint(created_at=world.at(10))
        world.settle(world.joined(15, "p-2"))
        assert types(world.tell()) == ["participant.joined"]
