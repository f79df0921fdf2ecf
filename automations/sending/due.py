"""What is to be sent now, read for all endpoints at once."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any, LiteralString

import msgspec
import psycopg

# By the index on (endpoint_id, next_attempt_at, position): as many rows are looked at as there is room for, however
# many wait: the time is a stable one, since an index can't be asked for one that changes. What a channel has in hand
# already is among the first of them, so it is added to the room and left out.
# The body is put together here, so it has the same bytes at each attempt.
_READ: LiteralString = """
SELECT due.endpoint_id, due.message_id, due.session_id, due.attempts, message.created_at,
    concat(
        '{"type": ', message.body -> 'type', ', "timestamp": ', message.body -> 'timestamp',
        ', "data": ', message.body -> 'data', '}'
    )
FROM unnest(%b::text[], %b::integer[]) WITH ORDINALITY AS wanted (endpoint_id, room, place)
CROSS JOIN LATERAL (
    SELECT endpoint_id, message_id, session_id, attempts, next_attempt_at, position
    FROM rollcall.message_deliveries
    WHERE endpoint_id = wanted.endpoint_id AND status = 'pending'
        AND next_attempt_at <= statement_timestamp() + %b::interval
    ORDER BY next_attempt_at, position
    LIMIT wanted.room
) AS due
JOIN rollcall.messages AS message ON message.id = due.message_id
WHERE NOT EXISTS (
    SELECT FROM unnest(%b::text[], %b::text[]) AS held (endpoint_id, message_id)
    WHERE held.endpoint_id = due.endpoint_id AND held.message_id = due.message_id
)
ORDER BY wanted.place, due.next_attempt_at, due.position
"""


class Due(msgspec.Struct, frozen=True):
    """A message to be sent to an endpoint now.

    Attributes:
        endpoint_id: where to.
        message_id: the `webhook-id`.
        session_id: the session that it is about.
        attempts: tries of the present schedule so far.
        made_at: when the message was made.
        body: as it is sent, before it is thinned.
    """

    endpoint_id: str
    message_id: str
    session_id: str | None
    attempts: int
    made_at: Any
    body: str


class Room(msgspec.Struct, frozen=True):
    """How much a channel can take.

    Attributes:
        endpoint_id: the endpoint.
        room: messages that it can take besides those in hand.
        in_hand: ids of the messages that it has.
    """

    endpoint_id: str
    room: int
    in_hand: Sequence[str]


def read_due(connection: psycopg.Connection[Any], rooms: Sequence[Room], ahead: timedelta) -> list[Due]:
    """Return what is due for endpoints, for each in the order in which it is to be sent.

    Args:
        connection: outside a transaction.
        rooms: the endpoints, and how much of it to read.
        ahead: how far the clock is ahead of the database's.
    """
    held = [(room.endpoint_id, message_id) for room in rooms for message_id in room.in_hand]
    rows = connection.execute(
        _READ,
        [
            [room.endpoint_id for room in rooms],
            [room.room + len(room.in_hand) for room in rooms],
            ahead,
            [endpoint_id for endpoint_id, _ in held],
            [message_id for _, message_id in held],
        ],
        prepare=True,
    )
    return [Due(*row) for row in rows]
