"""Endpoints as rows: where messages go, and which."""

import re
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Any, LiteralString

import psycopg

from workers.rules.messages import BodyKind, EndpointStatus, Order

_READ: LiteralString = """
SELECT id, name, url, types, organization_ids, meeting_ids, status, disabled_reason, created_at, order_by,
    max_in_flight, rate::double precision, body, schedule
FROM rollcall.endpoints
"""
_ALL: LiteralString = _READ + "ORDER BY created_at, id"
_ONE: LiteralString = _READ + "WHERE id = %s"


@dataclass(frozen=True, slots=True)
class Endpoint:
    """A place to send messages to.

    Attributes:
        id: names it in commands, tables and metrics.
        name: what people call it.
        url: where to post. May hold a token: not for logs.
        types: types of messages that it gets, with `*` as in `session.*`.
        organization_ids: the organizations that it is told of; None for all.
        meeting_ids: the meetings that it is told of; None for all.
        status: whether it is sent to.
        disabled_reason: why not, if not.
        created_at: when it was added.
        order_by: whether messages of one session wait for each other.
        max_in_flight: requests at the same time.
        rate: requests a second; None for no limit.
        body: how much of a message it gets.
        schedule: seconds before each retry; None for the default.
    """

    id: str
    name: str
    url: str
    types: tuple[str, ...]
    organization_ids: frozenset[str] | None
    meeting_ids: frozenset[str] | None
    status: EndpointStatus
    disabled_reason: str | None
    created_at: datetime
    order_by: Order
    max_in_flight: int
    rate: float | None
    body: BodyKind
    schedule: tuple[float, ...] | None

    def wants(self, message_type: str, organization_id: str | None, meeting_id: str | None) -> bool:
        """Return whether a message is meant for it.

        Args:
            message_type: as in the message.
            organization_id: that it is about; None where it is about none.
            meeting_id: likewise.
        """
        return (
            any(_pattern(glob).fullmatch(message_type) for glob in self.types)
            and (self.organization_ids is None or organization_id in self.organization_ids)
            and (self.meeting_ids is None or meeting_id in self.meeting_ids)
        )


def read_endpoints(connection: psycopg.Connection[Any]) -> list[Endpoint]:
    """Return all endpoints, in the order in which they were added."""
    return [_endpoint(row) for row in connection.execute(_ALL)]


def read_endpoint(connection: psycopg.Connection[Any], endpoint_id: str) -> Endpoint | None:
    """Return one endpoint; None if there is none of this id."""
    row = connection.execute(_ONE, [endpoint_id]).fetchone()
    return None if row is None else _endpoint(row)


@lru_cache(maxsize=1024)
def _pattern(glob: str) -> re.Pattern[str]:
    return re.compile(".*".join(map(re.escape, glob.split("*"))))


def _endpoint(row: tuple[Any, ...]) -> Endpoint:
    (
        endpoint_id, name, url, types, organization_ids, meeting_ids, status, disabled_reason, created_at, order_by,
        max_in_flight, rate, body, schedule,
    ) = row  # fmt: skip
    return Endpoint(
        id=endpoint_id,
        name=name,
        url=url,
        types=tuple(types),
        organization_ids=None if organization_ids is None else frozenset(organization_ids),
        meeting_ids=None if meeting_ids is None else frozenset(meeting_ids),
        status=EndpointStatus(status),
        disabled_reason=disabled_reason,
        created_at=created_at,
        order_by=Order(order_by),
        max_in_flight=max_in_flight,
        rate=rate,
        body=BodyKind(body),
        schedule=None if schedule is None else tuple(schedule),
    )
