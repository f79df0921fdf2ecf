"""What a session came to is told once it is quiet, and again when that has changed."""

from datetime import timedelta

from tests.automations.announcing.world import World, types

LATER = timedelta(seconds=120)


def test_a_session_that_ended_and_is_quiet_has_settled(world: World) -> None:
    world.settle(world.started(), world.joined(5, "p-1"), world.left(60, "p-1"), world.ended(90))
    assert "session.settled" not in types(world.tell(LATER))
    assert world.tell(LATER) == []
    let_time_pass(world)
    [message] = world.tell(LATER)
    assert (message["type"], message["occurred_at"]) == ("session.settled", world.at(90))
    data = message["body"]["data"]
    assert data.keys() == {"session", "attendance", "recordings", "revision", "reconciled"}
    assert (data["revision"], data["reconciled"]) == (1, None)
    assert data["session"]["duration_seconds"] == 90
    [person] = data["attendance"]
    assert (person["person"], person["attended_seconds"]) == ("person-p-1", 55)


def test_a_change_starts_the_quiet_again(world: World) -> None:
    world.settle(world.started(), world.ended(90))
    world.tell(LATER)
    let_time_pass(world)
    world.settle(world.joined(5, "p-1"))
    assert types(world.tell(LATER)) == ["participant.joined"]
    let_time_pass(world)
    assert types(world.tell(LATER)) == ["session.settled"]


def test_a_revision_says_what_has_changed(world: World) -> None:
    world.settle(world.started(), world.joined(5, "p/1"), world.ended(90))
    world.tell()
    world.settle(world.left(60, "p/1"), world.joined(70, "p-2"))
    revised = world.tell()[-1]
    data = revised["body"]["data"]
    assert (revised["type"], data["revision"]) == ("session.revised", 2)
    assert "/attendance/person-p~11/attended_seconds" in data["changed"]
    assert "/attendance/person-p-2/person" in data["changed"]
    assert "/session/participant_minutes" in data["changed"]
    assert "/session/started_at" not in data["changed"]
    assert "/attendance/person-p~11/first_joined_at" not in data["changed"]


def test_what_changes_nothing_that_was_told_is_no_revision(world: World) -> None:
    world.settle(world.started(), world.ended(90))
    world.tell()
    world.settle(world.event(95, "meeting.chatSynced", chatDownloadUrl="https://example.com/c"))
    assert types(world.tell()) == ["chat.available"]


def test_without_an_end_a_session_settles_a_day_after_its_last_event(world: World) -> None:
    world.settle(world.started(), world.joined(5, "p-1"))
    assert types(world.tell()) == ["session.started", "participant.joined"]
    world.connection.execute(
        "UPDATE rollcall.sessions SET last_event_at = last_event_at - interval '25 hours', "
        "last_received_at = last_received_at - interval '25 hours'"
    )
    world.connection.execute("UPDATE rollcall.tellings SET due_at = due_at - interval '25 hours'")
    [message] = world.tell()
    assert message["type"] == "session.settled"
    assert message["body"]["data"]["session"]["status"] == "live"
    assert message["body"]["data"]["session"]["ended_at"] is None
    world.settle(world.ended(90))
    assert types(world.tell())[-1] == "session.revised"


def test_of_many_people_there_is_the_number(world: World) -> None:
    world.settle(world.started(), *(world.joined(5, f"p-{number}") for number in range(501)), world.ended(90))
    data = world.tell()[-1]["body"]["data"]
    assert (data["attendance_total"], "attendance" in data) == (501, False)


def test_what_ended_long_before_its_last_change_is_held(world: World) -> None:
    world.start -= timedelta(days=2)
    world.settle(world.started(), world.ended(90))
    world.tell()
    assert world.deliveries()["session.settled", "e-1"] == ("held", "old")


def test_an_endpoint_added_after_the_session_is_not_told_what_it_came_to(world: World) -> None:
    world.settle(world.started(), world.ended(90))
    world.add_endpoint("e-2", created_at=world.at(100))
    world.tell()
    assert ("session.settled", "e-2") not in world.deliveries()


def let_time_pass(world: World) -> None:
    world.connection.execute("UPDATE rollcall.tellings SET due_at = due_at - interval '120 seconds'")
