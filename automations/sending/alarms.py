"""What endpoints that fail bring about: others are told, and after days they are disabled."""

from collections.abc import Iterable
from dataclasses import asdict
from datetime import datetime, timedelta
from typing import Any, LiteralString

import psycopg
import structlog

from automations.announcing.identity import of_parts
from automations.announcing.message import NewMessage
from automations.announcing.outbox import announce
from automations.enabling import disable, hold_again
from automations.endpoints import Endpoint, read_endpoints
from automations.sending.failing import Failing, is_to_be_disabled, warning_due
from workers.rules.messages import EndpointStatus
from workers.tables.arrays import Cursor

FAILING = "endpoint.failing"
DISABLED = "endpoint.disabled"
GONE = "The endpoint answered 410: it is gone for good."
_FAILED_LONG = "Every attempt failed for five days."

_NOW: LiteralString = "SELECT clock_timestamp() + %s::interval"
_WARN: LiteralString = "UPDATE rollcall.endpoint_states SET warned = %s WHERE endpoint_id = %s AND warned < %s"
_FAILING: LiteralString = """
SELECT state.endpoint_id, state.failing_since, state.last_failed_at, state.warned
FROM rollcall.endpoint_states AS state
JOIN rollcall.endpoints AS endpoint ON endpoint.id = state.endpoint_id AND endpoint.status = 'enabled'
WHERE state.failing_since IS NOT NULL AND state.endpoint_id = ANY(%s)
"""
_STRAYS: LiteralString = """
SELECT id FROM rollcall.endpoints AS endpoint WHERE status = 'disabled' AND EXISTS (
    SELECT FROM rollcall.message_deliveries WHERE endpoint_id = endpoint.id AND status = 'pending'
)
"""

_log = structlog.get_logger(__name__)


def attend(
    connection: psycopg.Connection[Any], states: Iterable[Failing], gone: Iterable[str], ahead: timedelta
) -> set[str]:
    """Disable endpoints that are gone or failed for days, and tell others of those that fail.

    Args:
        connection: outside a transaction.
        states: how endpoints fare.
        gone: ids of endpoints that answered 410.
        ahead: how far the clock is ahead of the database's.

    Returns:
        The ids of those that were disabled.
    """
    [(now,)] = connection.execute(_NOW, [ahead]).fetchall()
    disabled = {one for one in gone if _disable(connection, one, GONE, now)}
    for state in states:
        if is_to_be_disabled(state, now) and state.endpoint_id not in disabled:
            if _disable(connection, state.endpoint_id, _FAILED_LONG, now, state.since):
                disabled.add(state.endpoint_id)
        elif (level := warning_due(state, now)) is not None:
            _warn(connection, state, level, now)
    return disabled


def look_after(connection: psycopg.Connection[Any], endpoint_ids: Iterable[str], ahead: timedelta) -> set[str]:
    """Do the same for endpoints that get no attempts at the moment, and hold what disabled ones were still given.

    Returns:
        The ids of those that were disabled.
    """
    for (endpoint_id,) in connection.execute(_STRAYS).fetchall():
        with connection.transaction(), connection.cursor() as cursor:
            hold_again(cursor, endpoint_id)
    rows = connection.execute(_FAILING, [list(endpoint_ids)]).fetchall()
    return attend(connection, [Failing(*row) for row in rows], (), ahead) if rows else set()


def _disable(
    connection: psycopg.Connection[Any], endpoint_id: str, reason: str, now: datetime, since: datetime | None = None
) -> bool:
    with connection.transaction(), connection.cursor() as cursor:
        held = disable(cursor, endpoint_id, reason)
        if held is None:
            return False
        _tell(cursor, DISABLED, endpoint_id, now, since, now.isoformat())
    _log.error("endpoint_disabled", endpoint=endpoint_id, reason=reason, held=held)
    return True


def _warn(connection: psycopg.Connection[Any], state: Failing, level: int, now: datetime) -> None:
    with connection.transaction(), connection.cursor() as cursor:
        if not cursor.execute(_WARN, [level, state.endpoint_id, level]).rowcount:
            return
        _tell(cursor, FAILING, state.endpoint_id, now, state.since, f"{state.since}", f"{level}")
    _log.warning("endpoint_failing", endpoint=state.endpoint_id, since=f"{state.since}", time_used_percent=level)


def _tell(cursor: Cursor, type_: str, endpoint_id: str, now: datetime, since: datetime | None, *parts: str) -> None:
    endpoints = read_endpoints(cursor.connection)
    about = next((one for one in endpoints if one.id == endpoint_id), None)
    others = [one for one in endpoints if one.id != endpoint_id and one.status is EndpointStatus.ENABLED]
    if about is not None:
        data = {"endpoint": _row(about, since)}
        announce(cursor, [NewMessage(of_parts(type_, endpoint_id, *parts), type_, now, data)], others)


def _row(endpoint: Endpoint, since: datetime | None) -> dict[str, Any]:
    """Return an endpoint as others may read of it: its URL may hold a token, so it stays here."""
    row = asdict(endpoint)
    del row["url"], row["schedule"]
    for ids in ("organization_ids", "meeting_ids"):
        row[ids] = None if row[ids] is None else sorted(row[ids])
    return {**row, "failing_since": since}
