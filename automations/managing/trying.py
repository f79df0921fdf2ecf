"""A message to try an endpoint with, written like any other, so that it goes the same way."""

from datetime import UTC, datetime
from typing import Any, LiteralString
from uuid import uuid4

import psycopg

from automations.announcing.addressees import Addressee
from automations.announcing.identity import webhook_id
from automations.announcing.message import NewMessage
from automations.announcing.outbox import Outgoing, put
from automations.endpoints import Endpoint
from automations.types import TEST
from workers.rules.messages import DeliveryStatus

_NOW: LiteralString = "SELECT clock_timestamp()"


def put_test_message(connection: psycopg.Connection[Any], endpoint: Endpoint, text: str) -> str:
    """Write a message for one endpoint, whatever its types, and return its id.

    Args:
        connection: outside a transaction.
        endpoint: an enabled one.
        text: the `message` in its `data`.
    """
    with connection.transaction(), connection.cursor() as cursor:
        [(now,)] = cursor.execute(_NOW).fetchall()
        happened_at: datetime = now.astimezone(UTC)
        message = NewMessage(uuid4(), TEST, happened_at, {"message": text})
        put(cursor, [Outgoing(message, (Addressee(endpoint, DeliveryStatus.PENDING),))])
    return webhook_id(message.id)
