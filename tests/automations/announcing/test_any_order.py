"""Messages are a function of the deliveries kept, as the tables are: for generated sessions."""

from collections.abc import Iterator
from datetime import timedelta

import psycopg
import pytest
from hypothesis import given

from tests.automations.announcing.world import Row, World
from tests.meaning.generate import batches, schedules, scopes, worlds
from tests.meaning.tables import empty
from tests.meaning.verdict import examples
from tests.meaning.work import work_off
from workers.queue.delivery import Delivery
from workers.reading.scope import Scope
from workers.settling.replay_chosen import Selection, replay

NEVER_OLD = timedelta(days=100_000)
TABLES = ("marks", "tellings", "messages", "message_deliveries")


@pytest.fixture
def world(database_url: str) -> Iterator[World]:
    with psycopg.connect(database_url, autocommit=True) as connection:
        world = World(connection)
        world.add_endpoint(created_at="2000-01-01T00:00:00Z")
        yield world


def settle(world: World, kept: list[list[Delivery]], scope: Scope) -> None:
    work_off([world.connection], kept, scope)


def start_again(world: World) -> None:
    empty(world.connection)
    world.connection.execute(f"TRUNCATE {', '.join(f'rollcall.{table}' for table in TABLES)}".encode())


def tell(world: World) -> None:
    # Whatever has no end counts as ended: a day has passed.
    world.tell()
    world.connection.execute("UPDATE rollcall.tellings SET due_at = now() WHERE due_at IS NOT NULL")
    world.tell()


def told(world: World) -> dict[str, Row]:
    return {row["id"]: row for row in world.rows("messages")}


@examples(0.1)
@given(kept=worlds(), scope=scopes, schedule=schedules, other=schedules)
def test_in_any_order_and_batches_the_messages_are_the_same(
    world: World, database_url: str, kept: list[Delivery], scope: Scope, schedule: int, other: int
) -> None:
    start_again(world)
    settle(world, batches(kept, schedule), scope)
    tell(world)
    at_once = told(world)

    start_again(world)
    settle(world, batches(kept, other), scope)
    tell(world)
    assert {id_: whole(row) for id_, row in told(world).items()} == {id_: whole(row) for id_, row in at_once.items()}

    replay(database_url, Selection(everything=True), scope)
    tell(world)
    assert told(world).keys() == at_once.keys()

    start_again(world)
    for batch in batches(kept, other):
        settle(world, [batch], scope)
        tell(world)
    in_between = told(world)
    require_the_same_but_for_what_was_withdrawn(at_once, in_between)


def require_the_same_but_for_what_was_withdrawn(at_once: dict[str, Row], in_between: dict[str, Row]) -> None:
    withdrawn = [row["body"]["data"]["message"] for row in in_between.values() if row["type"] == "entry.withdrawn"]
    outcomes = {"session.settled", "session.revised"}
    entries = {id_ for id_, row in in_between.items() if row["type"] not in {*outcomes, "entry.withdrawn"}}
    standing = entries - set(withdrawn)
    expected = {id_: row for id_, row in at_once.items() if row["type"] not in outcomes}
    assert {says(in_between[id_]) for id_ in standing} == {says(row) for row in expected.values()}
    last: dict[str, Row] = {}
    for row in in_between.values():
        if row["type"] in outcomes:
            last[row["session_id"]] = row["body"]["data"]
    for row in at_once.values():
        if row["type"] == "session.settled":
            assert {n: v for n, v in last[row["session_id"]].items() if n not in {"revision", "changed"}} == {
                name: value for name, value in row["body"]["data"].items() if name != "revision"
            }


def whole(row: Row) -> tuple[str, Row]:
    """All of a message, but for the one column of the ledger that says when a worker wrote the row."""
    row["body"]["data"].get("delivery", {}).pop("processed_at", None)
    return row["type"], row["body"]


def says(row: Row) -> tuple[str, ...]:
    """What a message says: an entry that is another delivery's now still says the same."""
    entry = row["body"]["data"].get("entry")
    if entry is None:
        return (row["id"],)
    return (row["type"], str(entry["session_id"]), entry["subject_id"])
