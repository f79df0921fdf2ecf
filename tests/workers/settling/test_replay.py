"""Replay: the ledger read again, for other settings, for newer code, for emptied tables, beside workers."""

import json
import threading
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg
import pytest
from psycopg import sql

from tests.meaning.tables import Connection, differences, empty, tables
from workers.queue.delivery import Delivery, Provider, new_delivery_id
from workers.reading.scope import Scope
from workers.reading.status import Status
from workers.settling.replay_chosen import Selection, replay
from workers.settling.settle import settle

START = datetime(2026, 3, 2, 10, tzinfo=UTC)


def delivery(second: float, body: dict[str, Any] | bytes, webhook_id: str = "webhook-1") -> Delivery:
    received_at = START + timedelta(seconds=second)
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    return Delivery(new_delivery_id(received_at), received_at, Provider.DYTE, f"uuid-{second}", webhook_id, content)


def started(title: str = "Algebra", organization: str = "org-1", **meeting: Any) -> dict[str, Any]:
    named = {"id": organization, "name": f"{title} & Co"}
    fields = {"id": "meeting-1", "sessionId": "session-1", "title": title, "organizedBy": named, **meeting}
    return {"event": "meeting.started", "meeting": fields}


def joined(peer: str, name: str, session: str = "session-1", **meeting: Any) -> dict[str, Any]:
    return {
        "event": "meeting.participantJoined",
        "meeting": {"id": "meeting-1", "sessionId": session, **meeting},
        "participant": {"peerId": peer, "userDisplayName": name},
    }


@pytest.fixture
def connection(database_url: str) -> Iterator[Connection]:
    with psycopg.connect(database_url, autocommit=True) as connection:
        yield connection


def work(connection: Connection, *batch: Delivery, scope: Scope | None = None) -> None:
    with connection.transaction():
        settle(connection, batch, scope or Scope())


def fetch(connection: Connection, columns: str, table: str) -> list[tuple[Any, ...]]:
    return connection.execute(f"SELECT {columns} FROM rollcall.{table} ORDER BY 1".encode()).fetchall()


def statuses(connection: Connection) -> list[str]:
    return [row[1] for row in fetch(connection, "id, status", "deliveries")]


def made_in_order(connection: Connection, kept: Sequence[Delivery], scope: Scope | None = None) -> dict[str, Any]:
    """Return what the tables are when each delivery is processed alone, as it was received; they are emptied first."""
    empty(connection)
    for one in sorted(kept, key=lambda one: one.id):
        work(connection, one, scope=scope)
    return tables(connection)


@pytest.mark.parametrize("foreign_by", ["organization", "webhook"])
def test_foreign_deliveries_count_once_the_setting_is_right(
    connection: Connection, database_url: str, foreign_by: str
) -> None:
    kept = [
        delivery(0, started()),
        delivery(1, joined("a", "Ana", organizedBy={"id": "org-1"})),
        delivery(2, started()),
    ]
    wrong, right = (
        (Scope(organization_ids=frozenset({"org-9"})), Scope(organization_ids=frozenset({"org-1"})))
        if foreign_by == "organization"
        else (Scope(webhook_ids=frozenset({"webhook-9"})), Scope(webhook_ids=frozenset({"webhook-1"})))
    )
    work(connection, *kept, scope=wrong)
    assert statuses(connection) == ["foreign"] * 3
    assert not any(fetch(connection, "*", table) for table in ("sessions", "meetings", "organizations", "timeline"))

    done = replay(database_url, Selection(status=Status.FOREIGN), right)

    assert done == {Status.PROCESSED: 2, Status.REPEAT: 1}
    found = tables(connection)
    assert statuses(connection) == ["processed", "processed", "repeat"]
    assert not differences(made_in_order(connection, kept, right), found)


def test_what_the_setting_shuts_out_goes_from_the_tables(connection: Connection, database_url: str) -> None:
    kept = [delivery(0, started()), delivery(1, started("Geometry", "org-2", id="meeting-2", sessionId="session-2"))]
    work(connection, *kept)
    scope = Scope(organization_ids=frozenset({"org-2"}))
    replay(database_url, Selection(everything=True), scope)
    found = tables(connection)
    assert statuses(connection) == ["foreign", "processed"]
    assert not differences(made_in_order(connection, kept, scope), found)


@pytest.mark.parametrize("selection", ["status", "delivery", "since", "everything"])
@pytest.mark.parametrize("old_status", ["quarantined", "unknown"])
def test_what_an_older_version_could_not_read_counts_once_it_is_read(
    connection: Connection, database_url: str, selection: str, old_status: str
) -> None:
    kept = [delivery(0, started()), delivery(1, joined("a", "Ana")), delivery(2, joined("b", "Ben"))]
    work(connection, *kept)
    expected = tables(connection)
    empty(connection)
    work(connection, kept[0], kept[2])
    connection.execute(
        """
        INSERT INTO rollcall.deliveries
            (id, provider, delivery_uuid, webhook_id, event, body_sha256, received_at, status, error, payload)
        VALUES (%s, 'dyte', %s, %s, 'meeting.participantJoined', sha256(%s), %s, %s, 'not known yet', %s::jsonb)
        """,
        [
            kept[1].id,
            kept[1].delivery_uuid,
            kept[1].webhook_id,
            kept[1].body,
            kept[1].received_at,
            old_status,
            kept[1].body.decode(),
        ],
    )
    chosen = {
        "status": Selection(status=Status(old_status)),
        "delivery": Selection(ids=(kept[1].id,)),
        "since": Selection(since=kept[1].received_at),
        "everything": Selection(everything=True),
    }
    done = replay(database_url, chosen[selection], Scope())
    assert done[Status.PROCESSED] == done.total() > 0
    assert not differences(expected, tables(connection))


def test_an_earlier_copy_that_is_processed_later_takes_over(connection: Connection, database_url: str) -> None:
    body = started("Old title")
    late, between, early = delivery(90, body), delivery(50, started("New title")), delivery(10, body)
    work(connection, late)
    work(connection, between)
    assert fetch(connection, "id, title", "sessions") == [("session-1", "Old title")]

    work(connection, early)

    assert fetch(connection, "id, title", "sessions") == [("session-1", "New title")], "the old title came first"
    assert fetch(connection, "id, title", "meetings") == [("meeting-1", "New title")]
    assert fetch(connection, "id, name", "organizations") == [("org-1", "New title & Co")]
    assert fetch(connection, "id, last_event_at", "sessions") == [("session-1", START + timedelta(seconds=50))]
    assert fetch(connection, "occurred_at, delivery_id", "timeline") == [
        (early.received_at, early.id),
        (between.received_at, between.id),
    ]
    repeat = fetch(connection, "id, status, repeat_of, payload, raw", "deliveries")[-1]
    assert repeat == (late.id, "repeat", early.id, None, None)
    found = tables(connection)
    assert not differences(made_in_order(connection, [early, between, late]), found)
    replay(database_url, Selection(everything=True), Scope())
    assert not differences(found, tables(connection))


def test_emptied_tables_come_back_in_every_column(connection: Connection, database_url: str) -> None:
    kept = [
        delivery(0, started()),
        delivery(1, joined("a", "Ana")),
        delivery(2, joined("b", "Ben\0", endedAt="2026-03-02T09:52:31Z")),
        delivery(3, b"not JSON"),
        delivery(
            4, {"event": "livestreaming.statusUpdate", "streamId": "s", "status": "LIVE", "streamKey": "sk-123456"}
        ),
        delivery(5, {"event": "livestreaming.statusUpdate", "streamId": "s", "status": "OFFLINE", "n": "\0"}),
        delivery(
            90, {"event": "livestreaming.statusUpdate", "streamId": "s", "status": "LIVE", "streamKey": "sk-123456"}
        ),
    ]
    work(connection, *kept)
    expected = tables(connection)
    assert statuses(connection) == ["processed"] * 3 + ["quarantined"] + ["processed"] * 3
    for _ in range(2):
        empty(connection, keep_ledger=True)
        replay(database_url, Selection(everything=True), Scope())
        assert not differences(expected, tables(connection))


def test_an_entry_moves_to_where_its_delivery_is_read_now(connection: Connection, database_url: str) -> None:
    kept = [delivery(0, started()), delivery(1, joined("a", "Ana")), delivery(2, joined("b", "Ben"))]
    work(connection, *kept)
    expected = tables(connection)
    # As an older version might have read it: of another session, another peer, at another time.
    for column, value in (("session_id", "session-9"), ("subject_id", "z"), ("occurred_at", str(START))):
        for table in ("deliveries", "timeline") if column == "session_id" else ("timeline",):
            key = "id" if table == "deliveries" else "delivery_id"
            connection.execute(
                sql.SQL("UPDATE rollcall.{} SET {} = %s WHERE {} = %s").format(
                    *map(sql.Identifier, (table, column, key))
                ),
                [value, kept[1].id],
            )
        connection.execute("UPDATE rollcall.deliveries SET error = 'not read well' WHERE id = %s", [kept[1].id])
        replay(database_url, Selection(everything=True), Scope())
        assert not differences(expected, tables(connection)), column


def test_an_update_takes_the_time_of_one_that_no_longer_counts(connection: Connection, database_url: str) -> None:
    def update(second: float, status: str, webhook_id: str, **members: str) -> Delivery:
        recording = {"id": "recording-1", "status": status, "startedTime": "2026-03-02T09:59:00Z", **members}
        meeting = {"id": "meeting-1", "sessionId": "session-1"}
        body = {"event": "recording.statusUpdate", "recording": recording, "meeting": meeting}
        return delivery(second, body, webhook_id)

    kept = [
        update(0, "RECORDING", "webhook-2"),
        update(70, "PAUSED", "webhook-1"),
        update(140, "RECORDING", "webhook-1", startedTime="2026-03-02T09:59:01Z"),
    ]
    work(connection, *kept)
    assert fetch(connection, "occurred_at, delivery_id", "timeline")[0][1] == kept[0].id
    scope = Scope(webhook_ids=frozenset({"webhook-1"}))
    replay(database_url, Selection(everything=True), scope)
    found = tables(connection)
    assert fetch(connection, "occurred_at, delivery_id", "timeline")[0][1] == kept[2].id
    assert not differences(made_in_order(connection, kept, scope), found)


def test_a_replay_and_a_worker_may_write_one_session_at_once(connection: Connection, database_url: str) -> None:
    kept = [delivery(0, started())] + [delivery(n, joined(f"peer-{n}", f"Name {n}")) for n in range(1, 121)]
    expected = made_in_order(connection, kept)
    empty(connection)
    work(connection, *kept[:20])
    done = threading.Event()
    failures: list[BaseException] = []

    def replay_on_and_on() -> None:
        try:
            while not done.is_set():
                replay(database_url, Selection(everything=True), Scope())
        except BaseException as error:  # noqa: BLE001 - told below, in the test's own thread
            failures.append(error)

    replaying = threading.Thread(target=replay_on_and_on)
    replaying.start()
    try:
        for position in range(20, len(kept), 2):
            work(connection, *kept[position : position + 2])
    finally:
        done.set()
        replaying.join()
    assert not failures, failures
    assert not differences(expected, tables(connection))
