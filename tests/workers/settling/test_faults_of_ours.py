"""A fault in reading or settling one delivery costs that delivery its place in the tables, and nothing else."""

from datetime import UTC, datetime

import psycopg
import pytest

from workers.queue.delivery import Delivery, Provider, new_delivery_id
from workers.reading import events
from workers.reading.facts import Facts
from workers.reading.fields import Fields
from workers.reading.scope import Scope
from workers.reading.status import Status
from workers.settling.replay_chosen import Selection, replay
from workers.settling.settle import settle

GOOD = b'{"event": "meeting.started", "meeting": {"id": "m-1", "sessionId": "s-1", "title": "Algebra"}}'
BAD = b'{"event": "meeting.ended", "meeting": {"id": "m-2", "sessionId": "s-2", "title": "poison"}}'


def _delivery(body: bytes) -> Delivery:
    now = datetime.now(UTC)
    return Delivery(new_delivery_id(now), now, Provider.DYTE, None, None, body)


def _fails(_: Fields) -> Facts:
    raise KeyError("a fault of ours")


def test_a_body_that_we_fail_to_read_is_quarantined_and_replayed_later(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with psycopg.connect(database_url, autocommit=True) as connection:
        with monkeypatch.context() as patched:
            patched.setitem(events.EVENTS, "meeting.ended", _fails)
            with connection.transaction():
                settle(connection, [_delivery(BAD), _delivery(GOOD)], Scope())
        rows = connection.execute("SELECT status, error, raw FROM rollcall.deliveries ORDER BY id").fetchall()
        assert [row[0] for row in rows] == ["quarantined", "processed"]
        assert "KeyError" in rows[0][1]
        assert rows[0][2] == BAD

        assert replay(database_url, Selection(status=Status.QUARANTINED), Scope()) == {Status.PROCESSED: 1}
        assert connection.execute("SELECT status FROM rollcall.sessions WHERE id = 's-2'").fetchone() == ("ended",)


def test_a_delivery_that_the_database_refuses_keeps_its_body_through_a_replay_that_fails_too(database_url: str) -> None:
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute("ALTER TABLE rollcall.meetings ADD CONSTRAINT poison CHECK (title <> 'poison')")
        with connection.transaction():
            settle(connection, [_delivery(GOOD), _delivery(BAD)], Scope())
        assert replay(database_url, Selection(everything=True), Scope()) == {
            Status.PROCESSED: 1,
            Status.QUARANTINED: 1,
        }
        held = connection.execute("SELECT error, raw FROM rollcall.deliveries WHERE status = 'quarantined'").fetchall()
        assert [raw for _, raw in held] == [BAD]
        assert "CheckViolation" in held[0][0]

        connection.execute("ALTER TABLE rollcall.meetings DROP CONSTRAINT poison")
        replay(database_url, Selection(everything=True), Scope())
        assert connection.execute("SELECT count(*) FROM rollcall.sessions").fetchone() == (2,)
