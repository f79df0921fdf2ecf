"""Adding an endpoint, and taking one away."""

import secrets
from dataclasses import dataclass
from typing import Any, LiteralString
from uuid import uuid4

import psycopg
from psycopg import errors

from automations.errors import AutomationsError
from workers.rules.messages import BodyKind, Order

_ID_PREFIX = "ep_"
_ID_BYTES = 8

_ADD: LiteralString = """
INSERT INTO rollcall.endpoints (
    id, name, url, types, organization_ids, meeting_ids, order_by, max_in_flight, rate, body, schedule
) VALUES (
    %(id)s, %(name)s, %(url)s, %(types)s, %(organization_ids)s, %(meeting_ids)s, %(order_by)s, %(max_in_flight)s,
    %(rate)s, %(body)s, %(schedule)s
)"""
_ADD_STATE: LiteralString = "INSERT INTO rollcall.endpoint_states (endpoint_id) VALUES (%s)"
_SIGN_WITH: LiteralString = "INSERT INTO rollcall.endpoint_secrets (id, endpoint_id, secret) VALUES (%s, %s, %s)"
_WITH_URL: LiteralString = "SELECT id, name FROM rollcall.endpoints WHERE url = %s"

# The endpoint first: a sender that reads it from now on sends nothing more to it. Messages stay for other endpoints.
_REMOVE: tuple[LiteralString, ...] = (
    "DELETE FROM rollcall.endpoints WHERE id = %s",
    "DELETE FROM rollcall.endpoint_secrets WHERE endpoint_id = %s",
    "DELETE FROM rollcall.endpoint_states WHERE endpoint_id = %s",
    "DELETE FROM rollcall.attempts WHERE endpoint_id = %s",
    "DELETE FROM rollcall.message_deliveries WHERE endpoint_id = %s",
)


class KnownUrlError(AutomationsError):
    """There is an endpoint with this URL already."""

    def __init__(self, endpoint_id: str, name: str) -> None:
        super().__init__(
            f"The endpoint {endpoint_id} ({name}) has this URL already, and a URL is sent to once: "
            "look at it with `rollcall endpoints show`, or remove it first."
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class NewEndpoint:
    """An endpoint to be added; see `automations.endpoints.Endpoint` for the meaning of each."""

    name: str
    url: str
    types: tuple[str, ...] = ("*",)
    organization_ids: tuple[str, ...] | None = None
    meeting_ids: tuple[str, ...] | None = None
    order_by: Order = Order.NONE
    max_in_flight: int = 10
    rate: float | None = None
    body: BodyKind = BodyKind.FULL
    schedule: tuple[float, ...] | None = None


def add_endpoint(connection: psycopg.Connection[Any], new: NewEndpoint, encrypted_secret: str) -> str:
    """Add an endpoint and return its id. What commits from now on is told to it.

    Raises:
        KnownUrlError: there is one with this URL.
    """
    endpoint_id = _ID_PREFIX + secrets.token_hex(_ID_BYTES)
    try:
        with connection.transaction():
            connection.execute(_ADD, {"id": endpoint_id, **_columns(new)})
            connection.execute(_ADD_STATE, [endpoint_id])
            connection.execute(_SIGN_WITH, [uuid4(), endpoint_id, encrypted_secret])
    except errors.UniqueViolation:
        [(known_id, name)] = connection.execute(_WITH_URL, [new.url]).fetchall()
        raise KnownUrlError(known_id, name) from None
    return endpoint_id


def remove_endpoint(connection: psycopg.Connection[Any], endpoint_id: str) -> None:
    """Remove an endpoint with its secrets and what was to be sent, or was sent, to it."""
    with connection.transaction():
        for statement in _REMOVE:
            connection.execute(statement, [endpoint_id])


def _columns(new: NewEndpoint) -> dict[str, Any]:
    return {
        "name": new.name,
        "url": new.url,
        "types": list(new.types),
        "organization_ids": None if new.organization_ids is None else list(new.organization_ids),
        "meeting_ids": None if new.meeting_ids is None else list(new.meeting_ids),
        "order_by": new.order_by.value,
        "max_in_flight": new.max_in_flight,
        "rate": new.rate,
        "body": new.body.value,
        "schedule": None if new.schedule is None else list(new.schedule),
    }
