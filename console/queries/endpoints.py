"""Reads endpoints: which there are, how they fare, and which one a person means."""

from typing import LiteralString

from console.failure import CommandFailedError
from console.queries.tables import Row, Tables

_MOST_NAMED = 5
# Of a union, so their origin is not told.
_TROUBLE_PLAIN = ("message_id", "status", "reason", "attempts", "next_attempt_at")
_PLAIN = ("pending", "held", "given_up", "next_attempt_at")

_COLUMNS: LiteralString = """
    SELECT e.id, e.name, e.url, e.types, e.organization_ids, e.meeting_ids, e.status, e.disabled_reason, e.created_at,
        e.order_by, e.max_in_flight, e.rate, e.body, e.schedule,
        s.failing_since, s.last_failed_at, s.last_delivered_at, s.slowed_until,
        (SELECT count(*) FROM rollcall.message_deliveries AS d
         WHERE d.endpoint_id = e.id AND d.status = 'pending') AS pending,
        aside.held, aside.given_up
    FROM rollcall.endpoints AS e
    LEFT JOIN rollcall.endpoint_states AS s ON s.endpoint_id = e.id
    CROSS JOIN LATERAL (
        SELECT count(*) FILTER (WHERE d.status = 'held') AS held,
            count(*) FILTER (WHERE d.status = 'given_up') AS given_up
        FROM rollcall.message_deliveries AS d
        WHERE d.endpoint_id = e.id AND d.status IN ('held', 'given_up')
    ) AS aside"""
_ALL: LiteralString = _COLUMNS + " ORDER BY e.created_at, e.id"
_ONE: LiteralString = _COLUMNS + " WHERE e.id = %(id)s"
_NAMED: LiteralString = """
    SELECT id FROM rollcall.endpoints
    WHERE id = %(asked)s OR name = %(asked)s OR url = %(asked)s ORDER BY id LIMIT %(limit)s"""
_BY_START: LiteralString = """
    SELECT id FROM rollcall.endpoints WHERE starts_with(id, %(asked)s) OR starts_with(id, 'ep_' || %(asked)s)
    ORDER BY id LIMIT %(limit)s"""
_SECRETS: LiteralString = """
    SELECT created_at, expires_at FROM rollcall.endpoint_secrets
    WHERE endpoint_id = %(id)s AND (expires_at IS NULL OR expires_at > now()) ORDER BY created_at DESC"""
# Of what waits, the last try; and of what was given up.
_TROUBLE: LiteralString = """
    SELECT d.message_id, m.type, d.status, d.reason, d.attempts,
        nullif(d.next_attempt_at, 'infinity') AS next_attempt_at, a.at, a.status AS answered, a.error
    FROM (
        SELECT * FROM rollcall.message_deliveries
        WHERE endpoint_id = %(id)s AND status = 'pending' AND attempts > 0
        UNION ALL
        SELECT * FROM rollcall.message_deliveries WHERE endpoint_id = %(id)s AND status = 'given_up'
    ) AS d
    JOIN rollcall.messages AS m ON m.id = d.message_id
    JOIN LATERAL (
        SELECT * FROM rollcall.attempts AS a WHERE a.message_id = d.message_id AND a.endpoint_id = d.endpoint_id
        ORDER BY a.number DESC LIMIT 1
    ) AS a ON true
    ORDER BY a.at DESC LIMIT %(limit)s"""


def all_endpoints(tables: Tables) -> list[Row]:
    """Return all endpoints with how they fare and how much waits for them, in the order in which they were added."""
    return tables.rows(_ALL, None, _PLAIN)


def endpoint_with(tables: Tables, endpoint_id: str) -> Row | None:
    """Return the endpoint with this id, with how it fares."""
    rows = tables.rows(_ONE, {"id": endpoint_id}, _PLAIN)
    return rows[0] if rows else None


def find_endpoint(tables: Tables, asked: str) -> Row:
    """Return the endpoint with this id, name or URL, or the only one whose id starts with it (`ep_` may be missing).

    Raises:
        CommandFailedError: there is none, or there are several.
    """
    values = {"asked": asked.strip(), "limit": _MOST_NAMED}
    found = tables.rows(_NAMED, values) or (tables.rows(_BY_START, values) if asked.strip() else [])
    if not found:
        raise CommandFailedError(f"There is no endpoint {asked!r}: list them with `rollcall endpoints list`.")
    if len(found) > 1:
        ids = ", ".join(row["id"] for row in found)
        raise CommandFailedError(f"Several endpoints are meant by {asked!r}, give one's id: {ids}")
    return tables.rows(_ONE, {"id": found[0]["id"]}, _PLAIN)[0]


def secrets_of(tables: Tables, endpoint_id: str) -> list[Row]:
    """Return since when and until when an endpoint's valid secrets sign, the newest first; not the secrets."""
    return tables.rows(_SECRETS, {"id": endpoint_id})


def trouble_of(tables: Tables, endpoint_id: str, limit: int) -> list[Row]:
    """Return the latest failed tries of what waits for an endpoint, or was given up, each message once."""
    return tables.rows(_TROUBLE, {"id": endpoint_id, "limit": limit}, _TROUBLE_PLAIN)
