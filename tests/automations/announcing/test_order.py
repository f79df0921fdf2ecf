"""An endpoint that wants a session's messages in order has one of them due at a time."""

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
