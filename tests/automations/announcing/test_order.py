"""An endpoint that wants a session's messages in order has one of them due at a time."""

import psycopg
import pytest

from automations.announcing.turns import session_turn, take_turns
from automations.sending.results import lock_sessions
from tests.automations.announcing.world import World


def due(world: World, endpoint: str) -> list[bool]:
    rows = world.connection.execute(
        "SELECT next_attempt_at < 'infinity' FROM rollcall.message_deliveries WHERE endpoint_id = %s ORDER BY position",
        [endpoint],
    ).fetchall()
    return [row[0] for row in rows]


def test_only_the_first_message_of_a_session_is_due(world: World) -> None:
    world.add_endpoint("e-2", order_by="session")
    world.settle(world.started(), world.joined(5, "p-1"), world.started(1, "s-2"))
    world.tell()
    assert due(world, "e-1") == [True, True, True]
    assert due(world, "e-2") == [True, True, False]
    world.settle(world.left(60, "p-1"))
    world.tell()
    assert due(world, "e-2") == [True, True, False, False]
    world.connection.execute("UPDATE rollcall.message_deliveries SET status = 'delivered'")
    world.settle(world.joined(70, "p-1"))
    world.tell()
    assert due(world, "e-2")[-1]


def test_who_announces_and_who_writes_what_became_of_messages_take_turns(world: World, database_url: str) -> None:
    with psycopg.connect(database_url) as other, other.cursor() as cursor:
        assert take_turns(cursor, [session_turn("s-1")]) == [session_turn("s-1")]
        world.connection.execute("SET lock_timeout = 1")
        ours = world.connection.cursor()
        lock_sessions(ours, ["s-2"])
        with pytest.raises(psycopg.errors.LockNotAvailable):
            lock_sessions(ours, ["s-1"])
