"""Reads tries, and waits for the next one."""

import time
from typing import LiteralString

from console.queries.tables import Row, Tables

# Seconds between looks. Each is one look at a primary key.
_POLL = 0.2

_OF_MESSAGE: LiteralString = """
    SELECT message_id, endpoint_id, number, at, duration_ms, status, error, answer FROM rollcall.attempts
    WHERE message_id = %(message)s AND (%(endpoint)s::text IS NULL OR endpoint_id = %(endpoint)s)
    ORDER BY endpoint_id, number"""


def attempts_of(tables: Tables, message_id: str, endpoint_id: str | None = None) -> list[Row]:
    """Return the tries to deliver a message, to one endpoint or to all, in their order."""
    return tables.rows(_OF_MESSAGE, {"message": message_id, "endpoint": endpoint_id})


def first_attempt(tables: Tables, message_id: str, endpoint_id: str, patience: float) -> Row | None:
    """Return the first try to deliver a message to an endpoint once it is over; None if that takes too long.

    Args:
        tables: outside a transaction, so that each look sees what has committed since.
        message_id: the message.
        endpoint_id: the endpoint.
        patience: seconds.
    """
    deadline = time.monotonic() + patience
    while True:
        found = attempts_of(tables, message_id, endpoint_id)
        if found:
            return found[0]
        if time.monotonic() > deadline:
            return None
        time.sleep(_POLL)
