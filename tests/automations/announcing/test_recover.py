"""An endpoint is told of what is older than it is when someone asks for it."""

from datetime import timedelta

import psycopg

from automations.announcing.recover import recover_sessions
from automations.endpoints import Endpoint, read_endpoint
from tests.automations.announcing.world import World
from workers.rules.messages import DeliveryStatus


def endpoint(world: World, id_: str) -> Endpoint:
    found = read_endpoint(world.connection, id_)
    assert found is not None
    return found


def told(world: World, id_: str) -> list[str]:
    """The types of an endpoint's messages, in order."""
    types = {row["id"]: row["type"] for row in world.rows("messages")}
    return [types[row["message_id"]] for row in world.rows("message_deliveries") if row["endpoint_id"] == id_]


WHOLE = ["session.started", "participant.joined", "participant.left", "session.ended", "session.settled"]


def a_lesson(world: World, session: str = "s-1") -> None:
    world.settle(world.started(0, session), world.joined(5, f"p-{session}", session))
    world.settle(world.left(60, f"p-{session}", session), world.ended(90, session))


def test_sessions_older_than_all_endpoints_are_told(database_url: str) -> None:
    with psycopg.connect(database_url, autocommit=True) as connection:
        world = World(connection)
        a_lesson(world)
        world.add_endpoint(created_at=world.at(600))
        assert world.tell() == []
        assert recover_sessions(connection, endpoint(world, "e-1"), world.start - timedelta(days=1)) == 5
        assert sorted(told(world, "e-1")) == sorted(WHOLE)
        assert {row["status"] for row in world.rows("message_deliveries")} == {"pending"}
        assert recover_sessions(connection, endpoint(world, "e-1"), world.start - timedelta(days=1)) == 0
        # What comes now is told as ever, and nothing twice.
        world.settle(world.joined(700, "p-late"))
        assert [row["type"] for row in world.tell()] == ["participant.joined", "session.revised"]


def test_sessions_told_to_others_are_told_with_the_same_ids(world: World) -> None:
    a_lesson(world)
    world.tell()
    world.add_endpoint("e-2", created_at=world.at(600))
    before = {row["id"] for row in world.rows("messages")}
    assert recover_sessions(world.connection, endpoint(world, "e-2"), world.start) == 5
    assert {row["id"] for row in world.rows("messages")} == before
    assert told(world, "e-2") == told(world, "e-1")


def test_what_is_older_than_asked_for_is_not_told(world: World) -> None:
    a_lesson(world)
    world.add_endpoint("e-2", created_at=world.at(600))
    assert recover_sessions(world.connection, endpoint(world, "e-2"), world.at(91)) == 0


def test_filters_hold_and_a_disabled_endpoint_holds(world: World) -> None:
    a_lesson(world)
    world.add_endpoint("e-2", created_at=world.at(600), types=["session.*"], status="disabled")
    recover_sessions(world.connection, endpoint(world, "e-2"), world.start)
    mine = [row for row in world.rows("message_deliveries") if row["endpoint_id"] == "e-2"]
    assert {(row["status"], row["reason"]) for row in mine} == {(DeliveryStatus.HELD, "disabled")}
    assert sorted(told(world, "e-2")) == ["session.ended", "session.settled", "session.started"]


def test_many_sessions_are_told_each_once(world: World) -> None:
    for number in range(120):
        world.settle(world.started(number, f"s-{number}"))
    world.add_endpoint("e-2", created_at=world.at(600))
    assert recover_sessions(world.connection, endpoint(world, "e-2"), world.start) == 120
    assert len(told(world, "e-2")) == 120
