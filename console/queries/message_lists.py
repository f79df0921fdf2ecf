"""Reads lists of messages with what has become of them, a row for each endpoint, the latest first.

What is asked for decides where a list begins: at the messages of an endpoint or of a type, which an index has in their
order, for each endpoint or type as many as a page has; else at all messages.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import LiteralString

from console.queries.conditions import Conditions, pattern_of
from console.queries.tables import Row, Tables
from workers.rules.messages import DeliveryStatus

_PLAIN = ("next_attempt_at",)

_COLUMNS: LiteralString = """
    SELECT m.id, m.type, m.occurred_at, m.created_at, m.session_id, m.meeting_id, m.organization_id,
        d.endpoint_id, d.status, d.reason, d.attempts, nullif(d.next_attempt_at, 'infinity') AS next_attempt_at,
        d.delivered_at, m.position"""
_ALL: LiteralString = """
    FROM rollcall.messages AS m LEFT JOIN rollcall.message_deliveries AS d ON d.message_id = m.id"""
# The messages of an endpoint that is gone are about to be removed.
_OF_EACH: LiteralString = "FROM rollcall.endpoints AS e"
_OF_ONE: LiteralString = "FROM (SELECT %(endpoint)s::text AS id) AS e"
_BY_ENDPOINT: LiteralString = """
    CROSS JOIN LATERAL (
        SELECT d.message_id, d.endpoint_id
        FROM rollcall.message_deliveries AS d JOIN rollcall.messages AS m ON m.id = d.message_id
        WHERE d.endpoint_id = e.id AND {inner} ORDER BY d.position DESC LIMIT %(limit)s + 1
    ) AS first
    JOIN rollcall.message_deliveries AS d ON d.message_id = first.message_id AND d.endpoint_id = first.endpoint_id
    JOIN rollcall.messages AS m ON m.id = first.message_id"""
# By position, which both indexes have: of an endpoint and a type that never met, no row is read.
_BY_ENDPOINT_AND_TYPE: LiteralString = """
    CROSS JOIN unnest(%(types)s::text[]) AS wanted (type)
    CROSS JOIN LATERAL (
        SELECT d.position
        FROM rollcall.message_deliveries AS d JOIN rollcall.messages AS m ON m.position = d.position
        WHERE d.endpoint_id = e.id AND m.type = wanted.type AND {inner} ORDER BY d.position DESC LIMIT %(limit)s + 1
    ) AS first
    JOIN rollcall.message_deliveries AS d ON d.endpoint_id = e.id AND d.position = first.position
    JOIN rollcall.messages AS m ON m.id = d.message_id"""
_BY_TYPE: LiteralString = """
    FROM unnest(%(types)s::text[]) AS wanted (type)
    CROSS JOIN LATERAL (
        SELECT m.* FROM rollcall.messages AS m
        WHERE m.type = wanted.type AND {inner} ORDER BY m.position DESC LIMIT %(limit)s + 1
    ) AS m LEFT JOIN rollcall.message_deliveries AS d ON d.message_id = m.id"""
_IN_ORDER: LiteralString = " ORDER BY m.position DESC, d.endpoint_id LIMIT %(limit)s"
# The first part is for the index.
_AFTER: LiteralString = "m.position <= %(position)s AND (m.position < %(position)s OR d.endpoint_id > %(after)s)"
# From one type to the next by the index, not over all messages. A type with `*` in it is a pattern.
_TYPES: LiteralString = """
    WITH RECURSIVE found AS (
        (SELECT type FROM rollcall.messages ORDER BY type LIMIT 1)
        UNION ALL
        SELECT (SELECT type FROM rollcall.messages WHERE type > found.type ORDER BY type LIMIT 1)
        FROM found WHERE found.type IS NOT NULL
    )
    SELECT type FROM found WHERE type LIKE %(type)s"""
# Said as text, not as values: the indexes of what waits and of what was set aside are used by no other plan.
_IS: Mapping[DeliveryStatus, LiteralString] = {
    DeliveryStatus.PENDING: "d.status = 'pending'",
    DeliveryStatus.DELIVERED: "d.status = 'delivered'",
    DeliveryStatus.HELD: "d.status = 'held'",
    DeliveryStatus.GIVEN_UP: "d.status = 'given_up'",
}


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


@dataclass(frozen=True, slots=True)
class MessagePlace:
    """Where a page of messages ends: the last message's position, and the endpoint."""

    position: int
    endpoint: str

    @classmethod
    def of(cls, row: Row) -> "MessagePlace":
        """Return the place of a row of `find_messages`."""
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


def like(glob: str) -> str:
    """Return a pattern with `*` as SQL's LIKE has it; `_` and `%` in it are themselves."""
    return pattern_of(glob).replace("*", "%")


def find_messages(tables: Tables, chosen: Chosen, limit: int, after: MessagePlace | None = None) -> list[Row]:
    """Return messages with what has become of them, a row for each endpoint, the latest first.

    Args:
        tables: where.
        chosen: which.
        limit: how many rows at most.
        after: where the page before ended.
    """
    conditions = Conditions(tables)
    conditions.values["limit"] = limit
    choose(conditions, replace(chosen, type=None))
    beginning = _beginning(chosen, conditions, after)
    _choose_type(conditions, chosen)
    if after is not None:
        conditions.add(_AFTER, position=after.position, after=after.endpoint)
    return tables.rows(f"{_COLUMNS} {beginning} WHERE {conditions.where}{_IN_ORDER}", conditions.values, _PLAIN)


def choose(conditions: Conditions, chosen: Chosen) -> None:
    """Add what is chosen to the conditions on messages `m` and what has become of them, `d`."""
    if chosen.session is not None:
        conditions.add("m.session_id = %(session)s", session=chosen.session)
    if chosen.since is not None:
        conditions.add("m.occurred_at >= %(since)s", since=chosen.since)
    _choose_type(conditions, chosen)
    if chosen.endpoint is not None:
        conditions.add("d.endpoint_id = %(endpoint)s", endpoint=chosen.endpoint)
    if chosen.status is not None:
        conditions.add(_IS[chosen.status])


def _choose_type(conditions: Conditions, chosen: Chosen) -> None:
    if chosen.type is not None:
        types = [row["type"] for row in conditions.tables.rows(_TYPES, {"type": like(chosen.type)})]
        conditions.add("m.type = ANY(%(types)s)", types=types)


def _beginning(chosen: Chosen, conditions: Conditions, after: MessagePlace | None) -> LiteralString:
    """Return where the list begins; what is chosen, as far as it is known there, is in it too."""
    is_of_endpoint = chosen.endpoint is not None or chosen.status is not None
    if chosen.session is not None or not (is_of_endpoint or chosen.type is not None):
        return _ALL
    inner = conditions.where
    if is_of_endpoint:
        inner += "" if after is None else " AND d.position <= %(position)s"
        whose: LiteralString = _OF_EACH if chosen.endpoint is None else _OF_ONE
        beginning: LiteralString = whose + (_BY_ENDPOINT if chosen.type is None else _BY_ENDPOINT_AND_TYPE)
    else:
        inner += "" if after is None else " AND m.position <= %(position)s"
        beginning = _BY_TYPE
    return beginning.replace("{inner}", inner)
