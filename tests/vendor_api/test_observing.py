"""Observations and deliveries come to the same tables in any order and batches, and fill what was lost."""

import json
import random
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import msgspec
import psycopg
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from psycopg import errors

from tests.meaning.tables import Connection, empty
from tests.vendor_api.observing import EVERYTHING, TOLD, all_answers, observation, state
from tests.vendor_api.world import NINE, World, made_up, participant_answer, session_answer
from workers.queue.delivery import Delivery
from workers.queue.observation import Answers, ObservedKind
from workers.reading.scope import Scope
from workers.settling.observe import Observed, observe
from workers.settling.replay_chosen import Selection, replay
from workers.settling.settle import settle

LATER = NINE + timedelta(hours=12)
WORKERS = 4
ALL = Scope()


@pytest.fixture
def connections(database_url: str) -> Iterator[list[Connection]]:
    opened = [psycopg.connect(database_url, autocommit=True) for _ in range(WORKERS)]
    yield opened
    for connection in opened:
        connection.close()


Work = Answers | Sequence[Delivery]


def work_off(connections: Sequence[Connection], everything: Sequence[Work]) -> None:
    """Settle everything, on several connections at once."""

    def one_of_them(place: int) -> None:
        for one in everything[place :: len(connections)]:
            work(connections[place], one)

    with ThreadPoolExecutor(len(connections)) as pool:
        list(pool.map(one_of_them, range(len(connections))))


def work(connection: Connection, what: Work) -> None:
    for _ in range(10):
        try:
            with connection.transaction():
                if isinstance(what, Answers):
                    observe(connection, what, ALL)
                else:
                    settle(connection, what, ALL)
        except (errors.DeadlockDetected, errors.SerializationFailure):
            continue
        else:
            return


def forget(connection: Connection) -> None:
    empty(connection)
    connection.execute("TRUNCATE rollcall.observations, rollcall.lookups")


def lossy(world: World, chance: random.Random) -> list[list[Delivery]]:
    """What comes in of a world's webhooks: some never, some twice, in any order and batches."""
    share = chance.choice([0.0, 0.2, 0.5, 0.8, 1.0])
    kept = [one for one in world.deliveries() if chance.random() >= share]
    kept += chance.sample(kept, len(kept) // 8)
    chance.shuffle(kept)
    batches = []
    while kept:
        size = chance.randint(1, 20)
        batches.append(kept[:size])
        del kept[:size]
    return batches


def twice_in_pieces(answers: Sequence[Answers], chance: random.Random) -> list[Answers]:
    """The same answers in single messages of one or more observations, some twice."""
    pieces = []
    for one in answers:
        observations = list(one.observations)
        chance.shuffle(observations)
        while observations:
            size = chance.randint(1, 4)
            pieces.append(Answers(observations[:size], []))
            del observations[:size]
        pieces.append(Answers([], one.lookups))
    return pieces + chance.sample(pieces, len(pieces) // 5)


settings_of_worlds = settings(
    max_examples=25,
    deadline=None,
    database=None,
    phases=(Phase.explicit, Phase.generate),
    suppress_health_check=list(HealthCheck),
)


@pytest.mark.parametrize("workers", [1, WORKERS])
def test_what_webhooks_lost_is_filled_and_a_replay_makes_the_same(
    connections: list[Connection], database_url: str, workers: int
) -> None:
    @settings_of_worlds
    @given(seed=st.integers(0, 2**32))
    def check(seed: int) -> None:
        chance = random.Random(seed)
        world = made_up(chance, 12)
        forget(connections[0])
        work(connections[0], world.deliveries())
        wanted = state(connections[0], TOLD)
        forget(connections[0])
        everything: list[Work] = [
            *lossy(world, chance),
            *twice_in_pieces(all_answers(world, LATER), chance),
        ]
        chance.shuffle(everything)
        work_off(connections[:workers], everything)
        assert state(connections[0], TOLD) == wanted
        once = state(connections[0], EVERYTHING)
        [(incomplete,)] = connections[0].execute("SELECT count(*) FROM rollcall.lookups WHERE NOT is_complete")
        assert incomplete == 0
        for one in all_answers(world, LATER + timedelta(hours=1)):
            work(connections[0], one)
        assert state(connections[0], EVERYTHING) == once
        empty(connections[0], keep_ledger=True)
        replay(database_url, Selection(everything=True), ALL)
        assert state(connections[0], EVERYTHING) == once

    check()


@pytest.mark.parametrize("workers", [1, WORKERS])
def test_any_order_of_answers_that_change_and_events_comes_to_the_same(
    connections: list[Connection], database_url: str, workers: int
) -> None:
    @settings_of_worlds
    @given(seed=st.integers(0, 2**32))
    def check(seed: int) -> None:
        chance = random.Random(seed)
        world = made_up(chance, 4)
        pieces = changing(world, chance)
        batches = lossy(world, chance)
        forget(connections[0])
        work_off(connections[:1], [*batches, *pieces])
        wanted = {name: without_ids_of_times(rows) for name, rows in state(connections[0], EVERYTHING).items()}
        forget(connections[0])
        everything: list[Work] = [*batches, *pieces]
        chance.shuffle(everything)
        work_off(connections[:workers], everything)
        found = state(connections[0], EVERYTHING)
        for name, rows in found.items():
            assert without_ids_of_times(rows) == wanted[name], name
        empty(connections[0], keep_ledger=True)
        replay(database_url, Selection(everything=True), ALL)
        assert state(connections[0], EVERYTHING) == found

    check()


# What is first observed, and the meeting's names, depend on which of several answers were kept: an older one that comes
# after a newer one is not.
DEPENDS_ON_WHAT_IS_KEPT = {"first_observed_at", "live_at", "last_event_at", "observed_by", "observation_id"}


def without_ids_of_times(rows: Sequence[dict[str, object]]) -> list[dict[str, object]]:
    kept = [
        {name: value for name, value in row.items() if name not in DEPENDS_ON_WHAT_IS_KEPT and not name.endswith("_by")}
        for row in rows
        if row.get("id") != "an-app"
    ]
    return sorted(kept, key=lambda row: json.dumps(row, default=str, sort_keys=True))


def changing(world: World, chance: random.Random) -> list[Answers]:
    """Answers as a session goes on: live ones first, that know less and other things; the last of all is the truth."""
    pieces = []
    for session in world.sessions:
        for step in range(chance.randint(0, 3)):
            as_of = session.started_at + timedelta(minutes=5 * step)
            at = as_of + timedelta(seconds=chance.randint(0, 100))
            answer = session_answer(session, as_of=as_of)
            organization = "an-app" if chance.random() < 0.5 else session.organization_id
            answer |= {"organization_id": organization}
            observed = observation(ObservedKind.SESSION, answer, session, at)
            pieces.append(Answers([msgspec.structs.replace(observed, organization_id=organization)], []))
            for one in session.connections:
                if one.joined_at <= as_of:
                    there = participant_answer(one) | {"left_at": chance.choice([None, "", "null"])}
                    if chance.random() < 0.3:
                        there |= {"display_name": "Somebody", "custom_participant_id": "somebody"}
                    pieces.append(Answers([observation(ObservedKind.PARTICIPANT, there, session, at)], []))
    return pieces + twice_in_pieces(all_answers(world, LATER), chance)


def test_an_answer_that_says_the_same_is_confirmed_and_not_kept_again(connections: list[Connection]) -> None:
    session = made_up(random.Random(1), 1).sessions[0]
    one = observation(ObservedKind.SESSION, session_answer(session), session, LATER)
    updated = session_answer(session) | {"updated_at": "2026-03-05T00:00:00.000Z"}
    again = observation(ObservedKind.SESSION, updated, session, LATER + timedelta(hours=1))
    outcomes = [settled(connections[0], Answers([two], [])) for two in (one, one, again)]
    assert [(done.kept, done.confirmed, done.passed_over) for done in outcomes] == [(1, 0, 0), (0, 0, 1), (0, 1, 0)]
    # Older than what the API said again since: not kept.
    between = session_answer(session) | {"status": "LIVE", "ended_at": "null"}
    late = observation(ObservedKind.SESSION, between, session, LATER + timedelta(minutes=30))
    assert settled(connections[0], Answers([late], [])).passed_over == 1


def test_an_entry_of_the_api_gives_way_to_the_events(connections: list[Connection]) -> None:
    world = made_up(random.Random(5), 1)
    for one in all_answers(world, LATER):
        work(connections[0], one)
    entries = "SELECT DISTINCT source FROM rollcall.timeline"
    assert connections[0].execute(entries).fetchall() == [("api",)]
    kinds = "SELECT kind, subject_id, count(*) FROM rollcall.timeline GROUP BY 1, 2 HAVING count(*) > 1"
    assert connections[0].execute(kinds).fetchall() == []
    work(connections[0], world.deliveries())
    assert connections[0].execute(entries).fetchall() == [("event",)]
    assert connections[0].execute(kinds).fetchall() == []


def test_an_organization_outside_the_scope_is_not_kept(connections: list[Connection]) -> None:
    [answers] = all_answers(made_up(random.Random(1), 1), LATER)
    with connections[0].transaction():
        done = observe(connections[0], answers, Scope(None, frozenset({"another"})))
    assert (done.kept, done.passed_over) == (0, len(answers.observations))
    assert connections[0].execute("SELECT count(*) FROM rollcall.sessions").fetchone() == (0,)


def settled(connection: Connection, answers: Answers) -> Observed:
    with connection.transaction():
        return observe(connection, answers, ALL)
