"""Deliveries of one meeting, an endpoint, and what is announced: all by the functions that the processes call."""

import json
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg
from psycopg.rows import dict_row

from automations.announcing.round import tell_changes, tell_outcomes, tell_verdicts
from workers.queue.delivery import Delivery, Provider, new_delivery_id
from workers.reading.scope import Scope
from workers.settling.settle import settle

Row = dict[str, Any]

WITHIN = timedelta(hours=24)
AT_ONCE = timedelta(0)


class World:
    """The tables, and a clock from which deliveries are received: some minutes ago, so that nothing is old."""

    def __init__(self, connection: psycopg.Connection[Any]) -> None:
        self.connection = connection
        self.start = datetime.now(UTC).replace(microsecond=0) - timedelta(minutes=50)

    def add_endpoint(self, id_: str = "e-1", **columns: Any) -> None:
        """Add an endpoint, by default one that was there before everything else."""
        values = {
            "id": id_,
            "name": id_,
            "url": f"https://example.com/{id_}",
            "created_at": self.start - timedelta(days=900),
            **columns,
        }
        names = ", ".join(values)
        places = ", ".join(f"%({name})s" for name in values)
        self.connection.execute(f"INSERT INTO rollcall.endpoints ({names}) VALUES ({places})".encode(), values)

    def at(self, second: float) -> datetime:
        return self.start + timedelta(seconds=second)

    def event(self, second: float, event: str, session: str | None = "s-1", uuid: str = "", **members: Any) -> Delivery:
        """A delivery received `second` seconds after the start; times in `meeting` and so on are the caller's."""
        meeting = {"id": "m-1", "sessionId": session, "title": "Algebra", "organizedBy": {"id": "org-1"}}
        meeting |= members.pop("meeting", {})
        at = self.at(second)
        body = json.dumps({"event": event, **({"meeting": meeting} if session else {}), **members}, default=_text)
        return Delivery(new_delivery_id(at), at, Provider.DYTE, f"uuid-{uuid or second}", "webhook-1", body.encode())

    def started(self, second: float = 0, session: str = "s-1") -> Delivery:
        return self.event(second, "meeting.started", session, meeting={"startedAt": self.at(second)})

    def ended(self, second: float, session: str = "s-1") -> Delivery:
        return self.event(second, "meeting.ended", session, meeting={"endedAt": self.at(second)})

    def joined(self, second: float, peer: str, session: str = "s-1") -> Delivery:
        return self.event(second, "meeting.participantJoined", session, participant=self._peer(peer, joinedAt=second))

    def left(self, second: float, peer: str, session: str = "s-1") -> Delivery:
        return self.event(second, "meeting.participantLeft", session, participant=self._peer(peer, leftAt=second))

    def recording(self, second: float, status: str, uuid: str = "", session: str = "s-1") -> Delivery:
        return self.event(
            second,
            "recording.statusUpdate",
            session,
            uuid,
            recording={"recordingId": "r-1", "id": "r-1", "status": status},
        )

    def settle(self, *deliveries: Delivery, scope: Scope | None = None) -> None:
        with self.connection.transaction():
            settle(self.connection, deliveries, scope or Scope())

    def tell(self, settle_after: timedelta = AT_ONCE) -> list[Row]:
        """Take all marks and tell all outcomes that are due; return the messages made, in order."""
        last = self.connection.execute("SELECT coalesce(max(position), 0) FROM rollcall.messages").fetchone()
        self.forget_looks()
        while tell_changes(self.connection, WITHIN, settle_after).is_more:
            self.forget_looks()
        self.forget_looks()
        tell_changes(self.connection, WITHIN, settle_after)
        meetings = tell_outcomes(self.connection, WITHIN, timedelta(0)).meetings
        tell_verdicts(self.connection, WITHIN, meetings)
        assert last is not None
        return [row for row in self.rows("messages") if row["position"] > last[0]]

    def forget_looks(self) -> None:
        """Let sessions be looked at that were looked at within the last moments."""
        self.connection.execute("UPDATE rollcall.tellings SET looked_at = looked_at - interval '2 seconds'")

    def rows(self, table: str) -> list[Row]:
        order = "position" if table in {"messages", "message_deliveries"} else "1"
        with self.connection.cursor(row_factory=dict_row) as cursor:
            return cursor.execute(f"SELECT * FROM rollcall.{table} ORDER BY {order}".encode()).fetchall()

    def deliveries(self) -> dict[tuple[str, str], tuple[str, str | None]]:
        """Return status and reason of each message for each endpoint, by type and endpoint."""
        types = {row["id"]: row["type"] for row in self.rows("messages")}
        return {
            (types[row["message_id"]], row["endpoint_id"]): (row["status"], row["reason"])
            for row in self.rows("message_deliveries")
        }

    def _peer(self, peer: str, **times: float) -> Row:
        stated = {name: self.at(second) for name, second in times.items()}
        return {"peerId": peer, "userDisplayName": f"Name of {peer}", "customParticipantId": f"person-{peer}", **stated}


def types(messages: Sequence[Row]) -> list[str]:
    return [message["type"] for message in messages]


def _text(value: object) -> str:
    assert isinstance(value, datetime)
    return value.isoformat().replace("+00:00", "Z")
