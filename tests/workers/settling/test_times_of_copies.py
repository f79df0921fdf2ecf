"""A time that lies too far ahead for one copy of a body, and not for a later one: whichever is processed first."""

import itertools
import json
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg
import pytest

from tests.meaning.tables import Connection, differences, empty, tables
from workers.queue.delivery import Delivery, Provider, new_delivery_id
from workers.reading.scope import Scope
from workers.settling.replay_chosen import Selection, replay
from workers.settling.settle import settle

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
AHEAD = "2026-03-03T18:00:00Z"
MEETING = {"id": "m-1", "sessionId": "s-1", "title": "From ahead", "createdAt": AHEAD, "startedAt": AHEAD}
FROM_AHEAD = {"meeting": MEETING | {"organizedBy": {"id": "org-1", "name": "From ahead"}}}
LEAVE = {"event": "meeting.participantLeft", "participant": {"peerId": "p-1", "leftAt": AHEAD}, **FROM_AHEAD}
START = {"event": "meeting.started", **FROM_AHEAD}
RECORDING = {
    "event": "recording.statusUpdate",
    "recording": {
        "id": "r-1",
        "status": "RECORDING",
        "startedTime": AHEAD,
        "downloadUrlExpiry": "2036-03-04T12:00:00Z",
    },
    **FROM_AHEAD,
}
PAUSED = {"event": "recording.statusUpdate", "recording": {"id": "r-1", "status": "PAUSED"}, **FROM_AHEAD}
NAMED = {
    "event": "meeting.started",
    "meeting": {"id": "m-1", "sessionId": "s-2", "title": "Named", "createdAt": "2026-03-01T09:00:00Z"},
    "organizedBy": {"id": "org-1", "name": "Named"},
}


def received(hours: float, body: dict[str, Any]) -> Delivery:
    at = NOON + timedelta(hours=hours)
    return Delivery(new_delivery_id(at), at, Provider.DYTE, f"uuid-{hours}", None, json.dumps(body).encode())


@pytest.fixture
def connection(database_url: str) -> Iterator[Connection]:
    with psycopg.connect(database_url, autocommit=True) as connection:
        yield connection


def settled(connection: Connection, batches: Sequence[Sequence[Delivery]]) -> dict[str, Any]:
    empty(connection)
    for batch in batches:
        with connection.transaction():
            settle(connection, batch, Scope())
    return tables(connection)


@pytest.mark.parametrize("other", [[], [received(-1, NAMED)], [received(5, NAMED)], [received(40, NAMED)]])
@pytest.mark.parametrize("body", [START, LEAVE, RECORDING], ids=["start", "leave", "recording"])
def test_the_first_copy_decides_what_is_stated_in_any_order(
    connection: Connection, database_url: str, body: dict[str, Any], other: list[Delivery]
) -> None:
    kept = [received(0, body), received(10, body), received(20, body), *other]
    if body is RECORDING:
        # Recording again by the same bytes: these count again, with the times that are no longer too far ahead.
        kept.insert(2, received(9, PAUSED))
    expected = settled(connection, [[one] for one in sorted(kept, key=lambda one: one.id)])
    for order in itertools.islice(itertools.permutations(kept), 0, None, 5):
        found = settled(connection, [[one] for one in order])
        assert not differences(expected, found)
    replay(database_url, Selection(everything=True), Scope())
    assert not differences(expected, tables(connection))
    assert not differences(expected, settled(connection, [kept]))
    assert not differences(expected, settled(connection, [kept[1:], kept[:1]]))


def test_a_leave_ahead_of_its_time_is_quarantined_and_its_copies_repeat_it(connection: Connection) -> None:
    for order in itertools.permutations([received(0, LEAVE), received(10, LEAVE)]):
        found = settled(connection, [[one] for one in order])
        rows = sorted(found["deliveries"], key=lambda row: row["id"])
        assert [row["status"] for row in rows] == ["quarantined", "repeat"]
        assert not any(found[table] for table in found if table != "deliveries")
        [error] = connection.execute("SELECT error FROM rollcall.deliveries WHERE status = 'quarantined'").fetchall()
        assert "participant.leftAt is more than a day after the delivery was received" in error[0]
