"""What the vendor's API states is told like what events report, once; a settled session says whether it was asked."""

import json
from datetime import datetime, timedelta
from typing import Any

from tests.automations.announcing.world import World
from workers.queue.delivery import Provider, new_delivery_id
from workers.queue.observation import Answers, Lookup, Observation, ObservedKind
from workers.reading.scope import Scope
from workers.settling.observe import observe

ASKED = "INSERT INTO rollcall.reconciliations (name, seen_at) VALUES ('reconcile', now())"


def answered(world: World, second: float, kind: ObservedKind, subject: str, **answer: Any) -> Observation:
    at = world.at(second)
    body = json.dumps({"id": subject, **answer}, default=datetime.isoformat).encode()
    return Observation(new_delivery_id(at), at, Provider.DYTE, kind, subject, "s-1", "org-1", body)


def observed(world: World, *observations: Observation, lookup: Lookup | None = None) -> None:
    with world.connection.transaction():
        observe(world.connection, Answers(list(observations), [lookup] if lookup else []), Scope())


def types(messages: list[dict[str, Any]]) -> list[str]:
    return [message["type"] for message in messages]


def ended_session(world: World) -> Observation:
    times = {"started_at": world.at(0), "ended_at": world.at(90)}
    return answered(world, 100, ObservedKind.SESSION, "s-1", status="ENDED", associated_id="m-1", **times)


def lookup(world: World, participants: int = 0) -> Lookup:
    return Lookup("s-1", world.at(100), is_found=True, is_ended=True, participants=participants)


def test_a_leave_that_only_the_api_states_is_told_with_its_source(world: World) -> None:
    world.settle(world.started(), world.joined(5, "p-1"))
    world.tell()
    observed(world, answered(world, 60, ObservedKind.PARTICIPANT, "p-1", joined_at=world.at(5), left_at=world.at(50)))
    [message] = world.tell()
    assert message["type"] == "participant.left"
    entry = message["body"]["data"]["entry"]
    assert (entry["source"], entry["delivery_id"]) == ("api", None)
    assert entry["observation_id"]


def test_an_event_that_takes_the_place_of_what_the_api_stated_is_not_told_again(world: World) -> None:
    world.settle(world.started(), world.joined(5, "p-1"))
    observed(world, answered(world, 60, ObservedKind.PARTICIPANT, "p-1", joined_at=world.at(5), left_at=world.at(50)))
    assert "participant.left" in types(world.tell())
    world.settle(world.left(51, "p-1"))
    assert types(world.tell()) == []
    [(source,)] = world.connection.execute(
        "SELECT source FROM rollcall.timeline WHERE kind = 'participant.left'"
    ).fetchall()
    assert source == "event"
    # Nor is it later on, when something else of the session changes.
    world.settle(world.joined(70, "p-2"))
    assert types(world.tell()) == ["participant.joined"]


def test_a_recording_that_only_the_api_states_is_told_and_its_update_not_again(world: World) -> None:
    world.settle(world.started(), world.recording(10, "INVOKED"))
    world.tell()
    times = {"invoked_time": world.at(10), "started_time": world.at(12), "stopped_time": world.at(80)}
    states = {"status": "UPLOADED", "session_id": "s-1", **times}
    observed(world, answered(world, 100, ObservedKind.RECORDING, "r-1", **states))
    assert types(world.tell()) == ["recording.recording", "recording.uploading", "recording.uploaded"]
    world.settle(world.recording(81, "UPLOADING"), world.recording(90, "UPLOADED"))
    assert types(world.tell()) == []


def test_a_session_waits_until_the_api_was_asked_about_it(world: World) -> None:
    world.connection.execute(ASKED)
    world.settle(world.started(), world.ended(90))
    assert types(world.tell()) == ["session.started", "session.ended"]
    assert types(world.tell()) == []
    observed(world, ended_session(world), lookup=lookup(world))
    world.connection.execute("UPDATE rollcall.tellings SET due_at = now()")
    [message] = world.tell()
    assert (message["type"], message["body"]["data"]["reconciled"]) == ("session.settled", True)


def test_a_session_that_the_api_could_not_be_asked_about_says_so_after_a_quarter_of_an_hour(world: World) -> None:
    world.connection.execute(ASKED)
    world.settle(world.started(), world.ended(90))
    world.tell()
    world.connection.execute("UPDATE rollcall.tellings SET due_at = now(), changed_at = now() - interval '16 min'")
    [message] = world.tell()
    assert (message["type"], message["body"]["data"]["reconciled"]) == ("session.settled", False)


def test_a_backfill_of_old_sessions_is_held(world: World) -> None:
    world.start -= timedelta(days=300)
    late = {"started_at": world.at(0), "ended_at": world.at(90), "status": "ENDED", "associated_id": "m-1"}
    at = world.at(300 * 86400)
    body = json.dumps({"id": "s-1", **late}, default=datetime.isoformat).encode()
    one = Observation(new_delivery_id(at), at, Provider.DYTE, ObservedKind.SESSION, "s-1", "s-1", "org-1", body)
    observed(world, one, lookup=lookup(world))
    world.tell()
    assert {status for status, _ in world.deliveries().values()} == {"held"}
