"""Of those on the roster, who did not come, or too briefly, is told once that is certain; and when it changes."""

from datetime import timedelta
from decimal import Decimal

from tests.automations.announcing.world import Row, World, types


def expect(world: World, person: str, minimum: float | None = None, *, starts: float = 0, ends: float = 600) -> None:
    world.connection.execute(
        "INSERT INTO rollcall.roster VALUES ('m-1', %s, %s, %s, 'Somebody', %s)",
        [person, world.at(starts), world.at(ends), minimum],
    )


def verdicts(world: World) -> dict[str, str]:
    return {row["person"]: row["verdict"] for row in world.rows("roster_attendance")}


def lesson(world: World) -> None:
    """Ten minutes, of which one person stays nine and another two."""
    world.settle(world.started(), world.joined(0, "all"), world.left(540, "all"), world.ended(600))
    world.settle(world.joined(10, "some"), world.left(130, "some"))


def roster_messages(messages: list[Row]) -> dict[str, str]:
    return {
        message["body"]["data"]["roster"]["person"]: message["type"]
        for message in messages
        if "roster" in message["body"]["data"]
    }


def test_who_did_not_come_and_who_left_too_early_is_told(world: World) -> None:
    for person in ("person-all", "person-some", "person-none"):
        expect(world, person, 0.5)
    lesson(world)
    messages = world.tell()
    assert types(messages).index("session.settled") < types(messages).index("participant.no_show")
    assert roster_messages(messages) == {
        "person-some": "participant.below_threshold",
        "person-none": "participant.no_show",
    }
    data = next(one for one in messages if one["type"] == "participant.below_threshold")["body"]["data"]
    assert data.keys() == {"roster", "sessions", "attended_seconds", "share"}
    assert (data["attended_seconds"], data["share"], len(data["sessions"])) == (120, 0.2, 1)
    assert data["roster"]["minimum_share"] == 0.5
    assert verdicts(world) == {"person-all": "attended", "person-some": "below_threshold", "person-none": "no_show"}
    assert world.tell() == []


def test_only_the_time_within_the_window_counts_over_all_sessions(world: World) -> None:
    expect(world, "person-p", 0.5, starts=300, ends=1200)
    world.settle(world.started(0), world.joined(0, "p"), world.left(400, "p"), world.ended(500))
    second = [
        world.started(600, "s-2"),
        world.joined(600, "p", "s-2"),
        world.left(700, "p", "s-2"),
        world.ended(900, "s-2"),
    ]
    world.settle(*second)
    [row] = world.rows("roster_attendance")
    assert (row["sessions"], row["attended_seconds"], round(row["share"], 3)) == (2, 200, Decimal("0.4"))
    [message] = [one for one in world.tell() if one["type"].startswith("participant.below")]
    assert [one["session_id"] for one in message["body"]["data"]["sessions"]] == ["s-1", "s-2"]


def test_without_a_session_nobody_came_half_an_hour_after_the_end(world: World) -> None:
    expect(world, "person-p", starts=0, ends=world_seconds(world, minutes_ago=29))
    assert verdicts(world) == {"person-p": "open"}
    assert world.tell() == []
    expect(world, "person-q", starts=0, ends=world_seconds(world, minutes_ago=31))
    [message] = world.tell()
    assert message["type"] == "participant.no_show"
    assert message["body"]["data"]["sessions"] == []
    assert message["body"]["data"]["share"] is None


def test_nothing_is_decided_while_a_session_goes_on_or_is_not_quiet(world: World) -> None:
    expect(world, "person-p")
    world.settle(world.started())
    world.tell()
    assert verdicts(world) == {"person-p": "open"}
    world.settle(world.ended(600))
    assert "participant.no_show" not in types(world.tell(timedelta(seconds=120)))
    world.connection.execute("UPDATE rollcall.tellings SET due_at = due_at - interval '120 seconds'")
    assert types(world.tell(timedelta(seconds=120))) == ["session.settled", "participant.no_show"]


def test_a_verdict_that_changes_is_told(world: World) -> None:
    expect(world, "person-p", 0.5)
    world.settle(world.started(), world.ended(600))
    assert roster_messages(world.tell()) == {"person-p": "participant.no_show"}
    world.settle(world.joined(500, "p"), world.left(550, "p"))
    assert roster_messages(world.tell()) == {"person-p": "participant.below_threshold"}
    world.settle(world.left(590, "p"), world.joined(100, "p"))
    assert roster_messages(world.tell()) == {"person-p": "participant.cleared"}
    assert len({row["id"] for row in world.rows("messages")}) == len(world.rows("messages"))


def test_a_roster_of_last_month_is_held(world: World) -> None:
    world.start -= timedelta(days=30)
    expect(world, "person-p")
    world.tell()
    assert world.deliveries()["participant.no_show", "e-1"] == ("held", "old")


def world_seconds(world: World, minutes_ago: float) -> float:
    """The second of the world that was so many minutes ago; its start was fifty ago, to the second."""
    return (50 - minutes_ago) * 60
