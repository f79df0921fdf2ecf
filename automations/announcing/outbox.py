"""Writing messages and their deliveries, in the transaction that is open."""

from collections.abc import Iterable, Sequence

import msgspec

from automations.announcing.addressees import Addressee, addressees
from automations.announcing.identity import webhook_id
from automations.announcing.message import NewMessage
from automations.endpoints import Endpoint
from workers.rules.messages import DeliveryStatus, Order
from workers.tables.arrays import Cursor

CHANNEL = "rollcall_messages"
"""Where a sender listens for messages that it may send at once."""

_MESSAGES = """
INSERT INTO rollcall.messages (id, type, occurred_at, session_id, meeting_id, organization_id, body)
SELECT id, type, occurred_at, session_id, meeting_id, organization_id, body
FROM unnest(%b::text[], %b::text[], %b::timestamptz[], %b::text[], %b::text[], %b::text[], %b::jsonb[])
    WITH ORDINALITY AS new (id, type, occurred_at, session_id, meeting_id, organization_id, body, place)
ORDER BY place
ON CONFLICT (id) DO NOTHING
"""
# Where an endpoint wants the messages of a session one after the other, only the first one is due.
_DELIVERIES = """
INSERT INTO rollcall.message_deliveries (
    message_id, endpoint_id, position, session_id, status, reason, next_attempt_at
)
SELECT
    new.message_id, new.endpoint_id, message.position, message.session_id, new.status, new.reason,
    CASE
        WHEN new.status <> 'pending' THEN NULL
        WHEN new.is_behind OR (new.is_ordered AND EXISTS (
            SELECT FROM rollcall.message_deliveries AS other
            WHERE other.endpoint_id = new.endpoint_id AND other.session_id = message.session_id
                AND other.status = 'pending'
        )) THEN 'infinity'
        ELSE now()
    END
FROM unnest(%b::text[], %b::text[], %b::text[], %b::text[], %b::boolean[], %b::boolean[])
    AS new (message_id, endpoint_id, status, reason, is_ordered, is_behind)
JOIN rollcall.messages AS message ON message.id = new.message_id
ON CONFLICT (message_id, endpoint_id) DO NOTHING
"""
_NOTIFY = "SELECT pg_notify(%s, '')"


class Outgoing(msgspec.Struct, frozen=True):
    """A message and those that it is for."""

    message: NewMessage
    addressees: tuple[Addressee, ...]


class Put(msgspec.Struct, frozen=True):
    """How many messages and deliveries are new."""

    messages: int
    deliveries: int


def announce(cursor: Cursor, messages: Iterable[NewMessage], endpoints: Sequence[Endpoint]) -> int:
    """Write new messages for all endpoints that they are for, in the given order; return how many are new.

    One that is for no endpoint is not written, nor is one that is there already.
    """
    return put(cursor, [Outgoing(one, tuple(addressees(one, endpoints))) for one in messages]).messages


def put(cursor: Cursor, outgoing: Iterable[Outgoing]) -> Put:
    """Write messages for the given endpoints, in the given order.

    Messages that are there already get only deliveries for endpoints that have none of them.

    Args:
        cursor: in a transaction that holds the locks of the messages' sessions (see `announcing.turns`).
        outgoing: the messages; one without addressees is not written.
    """
    rows = [one for one in outgoing if one.addressees]
    if not rows:
        return Put(0, 0)
    messages = cursor.execute(_MESSAGES, _message_columns(rows)).rowcount
    return Put(messages, _write_deliveries(cursor, rows))


def _message_columns(rows: Sequence[Outgoing]) -> list[list[str | None]]:
    columns = zip(
        *(
            (
                webhook_id(one.message.id),
                one.message.type,
                one.message.occurred_at,
                one.message.session_id,
                one.message.meeting_id,
                one.message.organization_id,
                one.message.body().decode(),
            )
            for one in rows
        ),
        strict=True,
    )
    return [list(column) for column in columns]


def _write_deliveries(cursor: Cursor, rows: Sequence[Outgoing]) -> int:
    columns: list[tuple[str, str, str, str | None, bool, bool]] = []
    first_of: set[tuple[str, str]] = set()
    for one in rows:
        for addressee in one.addressees:
            endpoint, is_pending = addressee.endpoint, addressee.status is DeliveryStatus.PENDING
            session_id = one.message.session_id
            is_ordered = endpoint.order_by is Order.SESSION and session_id is not None
            is_behind = is_ordered and is_pending and (endpoint.id, session_id) in first_of
            if is_pending and session_id is not None:
                first_of.add((endpoint.id, session_id))
            columns.append(
                (
                    webhook_id(one.message.id),
                    endpoint.id,
                    addressee.status.value,
                    addressee.reason,
                    is_ordered,
                    is_behind,
                )
            )
    written = cursor.execute(_DELIVERIES, [list(column) for column in zip(*columns, strict=True)]).rowcount
    if any(addressee.status is DeliveryStatus.PENDING for one in rows for addressee in one.addressees):
        cursor.execute(_NOTIFY, [CHANNEL])
    return written
