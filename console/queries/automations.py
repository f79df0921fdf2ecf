"""Reads how outgoing webhooks fare as a whole."""

from datetime import datetime
from typing import Any, LiteralString

import msgspec
import psycopg

_ENDPOINTS: LiteralString = """
    SELECT e.id, e.name, e.status, e.disabled_reason, s.failing_since
    FROM rollcall.endpoints AS e LEFT JOIN rollcall.endpoint_states AS s ON s.endpoint_id = e.id
    ORDER BY e.created_at, e.id"""
_SECRETS: LiteralString = """
    SELECT endpoint_id, secret FROM rollcall.endpoint_secrets
    WHERE expires_at IS NULL OR expires_at > now() ORDER BY endpoint_id"""
# The first of what is due, of endpoints that are not waiting for something else.
_WAITING: LiteralString = """
    SELECT
        (SELECT extract(epoch FROM clock_timestamp() - min(marked_at)) FROM rollcall.marks)::double precision,
        (SELECT count(*) FROM rollcall.endpoint_states WHERE served_until > clock_timestamp())"""
_ASIDE: LiteralString = """
    SELECT count(*) FILTER (WHERE status = 'held'), count(*) FILTER (WHERE status = 'given_up'),
        count(*) FILTER (WHERE changed_at < now() - interval '91 days')
    FROM rollcall.message_deliveries WHERE status IN ('held', 'given_up')"""


class EndpointState(msgspec.Struct, frozen=True):
    """An endpoint as far as doctor is concerned; see the tables `endpoints` and `endpoint_states`."""

    id: str
    name: str
    status: str
    disabled_reason: str | None
    failing_since: datetime | None


class Outbox(msgspec.Struct, frozen=True):
    """What waits, and what was set aside.

    Attributes:
        oldest_mark: seconds since the oldest change that nobody has looked at; None if there is none.
        served: endpoints that a process sends to at the moment.
        held: messages, per endpoint, that are held.
        given_up: likewise, given up.
        overdue: those of both that `clock` should have removed by now.
    """

    oldest_mark: float | None
    served: int
    held: int
    given_up: int
    overdue: int


def endpoint_states(connection: psycopg.Connection[Any]) -> list[EndpointState]:
    """Return all endpoints, in the order in which they were added."""
    return [EndpointState(*row) for row in connection.execute(_ENDPOINTS)]


def encrypted_secrets(connection: psycopg.Connection[Any]) -> list[tuple[str, str]]:
    """Return the valid secrets as they rest, each with its endpoint's id."""
    return [(endpoint_id, secret) for endpoint_id, secret in connection.execute(_SECRETS)]


def outbox(connection: psycopg.Connection[Any]) -> Outbox:
    """Return what waits, and what was set aside."""
    [(oldest_mark, served)] = connection.execute(_WAITING).fetchall()
    [(held, given_up, overdue)] = connection.execute(_ASIDE).fetchall()
    return Outbox(oldest_mark, served, held, given_up, overdue)
