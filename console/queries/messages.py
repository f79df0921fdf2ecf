"""Reads messages, and what has become of them for each endpoint."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, LiteralString

from console.failure import CommandFailedError
from console.queries.tables import Row, Tables
from workers.rules.messages import DeliveryStatus

_MOST_NAMED = 5
_PLAIN = ("next_attempt_at",)

# A type with `*` in it is a pattern; `_` and `%` in it are themselves.
_COLUMNS: LiteralString = """
    SELECT m.id, m.type, m.occurred_at, m.created_at, m.session_id, m.meeting_id, m.organization_id,
        d.endpoint_id, d.status, d.reason, d.attempts, nullif(d.next_attempt_at, 'infinity') AS next_attempt_at,
        d.delivered_at"""
_CHOSEN: LiteralString = """
    FROM rollcall.messages AS m
    LEFT JOIN rollcall.message_deliveries AS d ON d.message_id = m.id
    WHERE (%(endpoint)s::text IS NULL OR d.endpoint_id = %(endpoint)s)
        AND (%(status)s::text IS NULL OR d.status = %(status)s)
        AND (%(type)s::text IS NULL OR m.type LIKE %(type)s)
        AND (%(session)s::text IS NULL OR m.session_id = %(session)s)
        AND (%(since)s::timestamptz IS NULL OR m.occurred_at >= %(since)s)"""
_IN_ORDER: LiteralString = " ORDER BY m.position DESC, d.endpoint_id LIMIT %(limit)s"
_LISTED: LiteralString = _COLUMNS + _CHOSEN + _IN_ORDER
_AFTER: LiteralString = """
    AND (%(position)s::bigint IS NULL OR m.position < %(position)s
        OR (m.position = %(position)s AND d.endpoint_id > %(after)s))"""
_PAGE: LiteralString = _COLUMNS + ", m.position" + _CHOSEN + _AFTER + _IN_ORDER
_BY_ID: LiteralString = "SELECT id FROM rollcall.messages WHERE id = %(asked)s"
_BY_START: LiteralString = """
    SELECT id FROM rollcall.messages WHERE starts_with(id, %(asked)s) OR starts_with(id, 'msg_' || %(asked)s)
    ORDER BY id LIMIT %(limit)s"""
_ONE: LiteralString = """
    SELECT id, type, occurred_at, created_at, session_id, meeting_id, organization_id, body
    FROM rollcall.messages WHERE id = %(id)s"""
_DELIVERIES: LiteralString = """
    SELECT d.endpoint_id, e.name AS endpoint_name, d.status, d.reason, d.attempts,
        nullif(d.next_attempt_at, 'infinity') AS next_attempt_at, d.delivered_at
    FROM rollcall.message_deliveries AS d LEFT JOIN rollcall.endpoints AS e ON e.id = d.endpoint_id
    WHERE d.message_id = %(id)s ORDER BY e.created_at, d.endpoint_id"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Chosen:
    """Which messages are meant; what is None chooses none out.

    Attributes:
        endpoint: the id of an endpoint that they are for.
        status: what has become of them there.
        type: their type, with `*`.
        session: the session that they are about.
        since: the earliest time at which what they tell happened.
    """

    endpoint: str | None = None
    status: DeliveryStatus | None = None
    type: str | None = None
    session: str | None = None
    since: datetime | None = None

    def values(self) -> dict[str, Any]:
        """Return the values for a statement's parameters of these names."""
        return {
            "endpoint": self.endpoint,
            "status": self.status and self.status.value,
            "type": None if self.type is None else like(self.type),
            "session": self.session,
            "since": self.since,
        }


def like(glob: str) -> str:
    """Return a pattern with `*` as SQL's LIKE has it."""
    escaped = glob.replace("\\", r"\\").replace("%", r"\%").replace("_", r"\_")
    return escaped.replace("*", "%")


def chosen_messages(tables: Tables, chosen: Chosen, limit: int) -> list[Row]:
    """Return messages with what has become of them, a row for each endpoint, the latest first."""
    return tables.rows(_LISTED, {**chosen.values(), "limit": limit}, _PLAIN)


@dataclass(frozen=True, slots=True)
class MessagePlace:
    """Where a page of messages ends: the last message's position, and the endpoint."""

    position: int
    endpoint: str

    @classmethod
    def of(cls, row: Row) -> "MessagePlace":
        """Return the place of a row of `messages_page`."""
        return cls(row["position"], row["endpoint_id"] or "")

    def __str__(self) -> str:
        return f"{self.position}~{self.endpoint}"

    @classmethod
    def read(cls, text: str) -> "MessagePlace":
        """Return the place that a text stands for.

        Raises:
            ValueError: it is none.
        """
        position, endpoint = text.split("~", 1)
        if not 0 < int(position) < 2**63:
            raise ValueError
        return cls(int(position), endpoint)


def messages_page(tables: Tables, chosen: Chosen, limit: int, after: MessagePlace | None) -> list[Row]:
    """Return messages as `chosen_messages` does, from a place on."""
    place = {"position": after and after.position, "after": after and after.endpoint}
    return tables.rows(_PAGE, {**chosen.values(), **place, "limit": limit}, _PLAIN)


def message_with(tables: Tables, message_id: str) -> Row | None:
    """Return the message with this id."""
    rows = tables.rows(_ONE, {"id": message_id})
    return rows[0] if rows else None


def find_message(tables: Tables, asked: str) -> Row:
    """Return the message with this id, or the only one whose id starts with it (`msg_` may be missing).

    Raises:
        CommandFailedError: there is none, or there are several.
    """
    values = {"asked": asked.strip(), "limit": _MOST_NAMED}
    found = tables.rows(_BY_ID, values) or (tables.rows(_BY_START, values) if asked.strip() else [])
    if not found:
        raise CommandFailedError(
            f"There is no message {asked!r}: list them with `rollcall messages list`. Delivered ones are removed after "
            "MESSAGES_KEEP."
        )
    if len(found) > 1:
        ids = ", ".join(row["id"] for row in found)
        raise CommandFailedError(f"Several messages start with {asked!r}, give more of the id: {ids}")
    return tables.rows(_ONE, {"id": found[0]["id"]})[0]


def deliveries_of(tables: Tables, message_id: str) -> list[Row]:
    """Return what has become of a message, a row for each endpoint."""
    return tables.rows(_DELIVERIES, {"id": message_id}, _PLAIN)
