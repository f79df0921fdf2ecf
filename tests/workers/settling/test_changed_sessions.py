"""Settling reports the sessions that it changed: those with a changed row, and no others."""

import json
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg
import pytest
from hypothesis import given

from tests.meaning.generate import batches, schedules, scopes, worlds
from tests.meaning.tables import Connection, empty
from tests.meaning.verdict import examples
from workers.queue.delivery import Delivery, Provider, new_delivery_id
from workers.reading.scope import Scope
from workers.settling.settle import settle
from workers.tables.session_tables import SESSION_TABLES

NINE = datetime(2026, 3, 2, 9, tzinfo=UTC)


@pytest.fixture
def connection(database_url: str) -> Iterator[Connection]:
    with psycopg.connect(database_url, autocommit=True) as connection:
        yield connection


def received(second: float, event: str, session: str | None = None, uuid: str = "", **members: Any) -> Delivery:
    at = NINE + timedelta(seconds=second)
    meeting = {"meeting": {"id": "m-1", "sessionId": session, "organizedBy": {"id": "org-1"}}} if session else {}
    body = json.dumps({"event": event, **meeting, **members}).encode()
    return Delivery(new_delivery_id(at), at, Provider.DYTE, f"uuid-{uuid or second}", "webhook-1", body)


def recording(second: float, session: str, status: str, uuid: str = "", **members: Any) -> Delivery:
    stated = {"id": "r-1", "status": status, **members}
    return received(second, "recording.statusUpdate", session, uuid, recording=stated)


def changed(connection: Connection, *batch: Delivery, scope: Scope | None = None) -> set[str]:
    with connection.transaction():
        return set(settle(connection, batch, scope or Scope()).sessions)


STARTED, OTHER = received(0, "meeting.started", "s-1"), received(1, "meeting.started", "s-2")
JOINED = received(2, "meeting.participantJoined", "s-1", participant={"peerId": "p-1"})
STREAM = {"streamId": "l-1", "status": "LIVE"}


def test_a_batch_names_each_session_of_its_events(connection: Connection) -> None:
    assert changed(connection, STARTED, JOINED, OTHER) == {"s-1", "s-2"}
    assert changed(connection, received(3, "meeting.ended", "s-2")) == {"s-2"}


def test_a_message_that_came_twice_and_a_repeat_change_none(connection: Connection) -> None:
    changed(connection, STARTED, recording(5, "s-1", "RECORDING"))
    assert changed(connection, STARTED) == set()
    assert changed(connection, received(10, "meeting.started", "s-1")) == set()
    assert changed(connection, recording(10, "s-1", "RECORDING")) == set()
    assert changed(connection, recording(20, "s-1", "RECORDING"), OTHER) == {"s-2"}


@pytest.mark.parametrize(
    "one",
    [
        received(0, "meeting.ended", "s-1", reason="x"),
        received(0, "livestreaming.statusUpdate", "s-1", **STREAM),
        recording(0, "s-1", "INVOKED"),
    ],
)
def test_what_is_foreign_changes_none(connection: Connection, one: Delivery) -> None:
    assert changed(connection, one, scope=Scope(organization_ids=frozenset({"org-2"}))) == set()
    assert changed(connection, one, scope=Scope(webhook_ids=frozenset({"webhook-2"}))) == set()


def test_what_is_unknown_or_can_not_be_read_changes_none(connection: Connection) -> None:
    unknown, unread = received(0, "poll.created", "s-1"), received(1, "meeting.participantLeft", "s-1")
    assert changed(connection, unknown, unread) == set()


def test_a_stream_without_a_session_changes_none_and_one_with_a_session_that(connection: Connection) -> None:
    assert changed(connection, received(0, "livestreaming.statusUpdate", **STREAM)) == set()
    assert changed(connection, received(9, "livestreaming.statusUpdate", "s-1", **STREAM)) == {"s-1"}


def test_a_recording_that_turns_out_to_be_of_another_session_changes_both(connection: Connection) -> None:
    began = (NINE + timedelta(seconds=4)).isoformat()
    changed(connection, STARTED, OTHER, recording(5, "s-1", "RECORDING", startedTime=began))
    assert changed(connection, recording(9, "s-2", "PAUSED")) == {"s-1", "s-2"}
    assert changed(connection, recording(12, "s-2", "UPLOADING")) == {"s-2"}
    # Late: the first RECORDING is another session's now, so that of s-1 no longer began with the recording.
    assert changed(connection, recording(3, "s-2", "RECORDING", startedTime=began)) == {"s-1", "s-2"}


def test_an_earlier_copy_that_takes_over_changes_its_session(connection: Connection) -> None:
    late, early = received(90, "meeting.started", "s-1"), received(10, "meeting.started", "s-1")
    changed(connection, late, OTHER)
    assert changed(connection, early) == {"s-1"}


def test_halves_of_a_batch_that_is_taken_apart_add_up(connection: Connection) -> None:
    connection.execute("ALTER TABLE rollcall.meetings ADD CONSTRAINT poison CHECK (title <> 'poison')")
    bad = received(4, "meeting.started", "s-3", title="x")
    body = bad.body.replace(b'"id": "m-1"', b'"id": "m-9", "title": "poison"')
    poison = Delivery(bad.id, bad.received_at, bad.provider, bad.delivery_uuid, bad.webhook_id, body)
    assert changed(connection, STARTED, OTHER, poison) == {"s-1", "s-2"}


@examples(0.25)
@given(kept=worlds(), scope=scopes, schedule=schedules)
def test_they_are_those_whose_rows_differ_afterwards_and_none_without_a_new_delivery(
    connection: Connection, kept: list[Delivery], scope: Scope, schedule: int
) -> None:
    empty(connection)
    before = rows_by_session(connection)
    for batch in batches(kept, schedule):
        sessions = changed(connection, *batch, scope=scope)
        after = rows_by_session(connection)
        differ = {one for one in before.keys() | after.keys() if before.get(one) != after.get(one)}
        assert differ <= sessions, "whatever changed is told"
        assert sessions - differ <= touched(connection, batch), "else those that a delivery counts for"
        before = after


def touched(connection: Connection, batch: Sequence[Delivery]) -> set[str]:
    """The sessions that the batch's deliveries count for, or counted for once."""
    statement = "SELECT session_id FROM rollcall.deliveries WHERE id = ANY(%s) AND status = 'processed'"
    return {row[0] for row in connection.execute(statement, [[delivery.id for delivery in batch]]).fetchall()}


def rows_by_session(connection: Connection) -> dict[str, list[str]]:
    rows: dict[str, list[str]] = {}
    for table, key in {**SESSION_TABLES, "recordings": "session_id"}.items():
        statement = f"SELECT {key}, t::text FROM rollcall.{table} AS t WHERE {key} IS NOT NULL ORDER BY t::text"
        for session_id, row in connection.execute(statement.encode()).fetchall():
            rows.setdefault(session_id, []).append(f"{table} {row}")
    return rows
