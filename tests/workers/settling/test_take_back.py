"""Two deliveries of one batch can each take back what a later copy had said; what was said between them still wins."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg

from workers.queue.delivery import Delivery, Provider, new_delivery_id
from workers.reading.scope import Scope
from workers.settling.settle import settle

NINE = datetime(2026, 3, 2, 9, tzinfo=UTC)


def _meeting(session: str, title: str, **members: Any) -> dict[str, Any]:
    organizer = {"id": "org-1", "name": title}
    return {"meeting": {"id": "m-1", "sessionId": session, "title": title, "organizedBy": organizer, **members}}


LIVE = {
    "event": "livestreaming.statusUpdate",
    "streamId": "l-1",
    "status": "LIVE",
    **_meeting("s-1", "A", roomName="r"),
}
INVOKED = {
    "event": "recording.statusUpdate",
    "recording": {"id": "r-1", "status": "INVOKED"},
    **_meeting("s-2", "early"),
}
RENAMED = {"event": "meeting.started", **_meeting("s-3", "renamed")}
ENDED = {"event": "meeting.ended", **_meeting("s-4", "old")}


def _received(minute: int, body: dict[str, Any]) -> Delivery:
    at = NINE + timedelta(minutes=minute)
    return Delivery(new_delivery_id(at), at, Provider.DYTE, f"uuid-{minute}", None, json.dumps(body).encode())


def test_names_said_between_two_copies_win_whatever_else_the_batch_takes_back(database_url: str) -> None:
    batches = [
        [_received(58, RENAMED)],
        [_received(43, LIVE)],
        [_received(42, INVOKED)],
        [_received(105, ENDED)],
        [_received(30, LIVE), _received(45, ENDED)],
    ]
    with psycopg.connect(database_url, autocommit=True) as connection:
        for batch in batches:
            with connection.transaction():
                settle(connection, batch, Scope())
        assert connection.execute("SELECT title, room_name FROM rollcall.meetings").fetchall() == [("renamed", "r")]
        assert connection.execute("SELECT name FROM rollcall.organizations").fetchall() == [("renamed",)]
