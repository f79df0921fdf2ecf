"""Sending messages again that were delivered, held or given up."""

from collections.abc import Sequence
from itertools import islice
from typing import Any, LiteralString

import psycopg

from automations.enabling import send_again

# Messages in one transaction: it holds the lock of each of their sessions.
_AT_ONCE = 500

_ADD: LiteralString = """
INSERT INTO rollcall.message_deliveries (message_id, endpoint_id, position, session_id, status)
SELECT id, %s, position, session_id, 'held' FROM rollcall.messages WHERE id = %s
ON CONFLICT (message_id, endpoint_id) DO NOTHING"""


def redeliver(connection: psycopg.Connection[Any], endpoint_id: str, message_ids: Sequence[str]) -> int:
    """Send messages to an enabled endpoint again, with a whole schedule each; return how many.

    Args:
        connection: outside a transaction.
        endpoint_id: the endpoint.
        message_ids: in the order of their positions; those that wait already stay as they are.
    """
    sent = 0
    rest = iter(message_ids)
    while some := list(islice(rest, _AT_ONCE)):
        with connection.transaction(), connection.cursor() as cursor:
            sent += send_again(cursor, endpoint_id, some)
    return sent


def deliver_first(connection: psycopg.Connection[Any], endpoint_id: str, message_id: str) -> int:
    """Send a message to an enabled endpoint that it was not meant for; return how many go out: 1, or 0 if it waits."""
    with connection.transaction(), connection.cursor() as cursor:
        cursor.execute(_ADD, [endpoint_id, message_id])
        return send_again(cursor, endpoint_id, [message_id])
