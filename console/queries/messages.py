"""Reads single messages, and what has become of each for each endpoint."""

from typing import LiteralString

from console.failure import CommandFailedError
from console.queries.tables import Row, Tables

_MOST_NAMED = 5
_PLAIN = ("next_attempt_at",)

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
