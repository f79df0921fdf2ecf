"""Telling of deliveries that were set aside, without what they say."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any, LiteralString
from uuid import UUID

from psycopg.rows import dict_row

from automations.announcing import identity
from automations.announcing.message import NewMessage
from workers.tables.arrays import Cursor

_QUARANTINED: LiteralString = """
SELECT delivery.id::text, provider, delivery_uuid, webhook_id, event, encode(body_sha256, 'hex') AS body_sha256,
    received_at, processed_at, delivery.status, error, repeat_of::text, session_id, delivery.meeting_id,
    coalesce(session.organization_id, meeting.organization_id) AS organization_id
FROM rollcall.deliveries AS delivery
LEFT JOIN rollcall.sessions AS session ON session.id = delivery.session_id
LEFT JOIN rollcall.meetings AS meeting ON meeting.id = delivery.meeting_id
WHERE delivery.id = ANY(%s) AND delivery.status = 'quarantined'
ORDER BY delivery.id
"""


def quarantined_messages(cursor: Cursor, ids: Sequence[UUID], announce_within: timedelta) -> list[NewMessage]:
    """Return what is to be told of deliveries, if they are still quarantined."""
    if not ids:
        return []
    with cursor.connection.cursor(row_factory=dict_row) as rows:
        found = rows.execute(_QUARANTINED, [list(ids)]).fetchall()
    return [_message(row, announce_within) for row in found]


def _message(row: dict[str, Any], announce_within: timedelta) -> NewMessage:
    organization_id = row.pop("organization_id")
    received_at = row["received_at"]
    # By the body, as which of its copies is the first one may still change.
    id_ = identity.of_copy("delivery.quarantined", row["session_id"], "", bytes.fromhex(row["body_sha256"]), 1)
    return NewMessage(
        id_,
        "delivery.quarantined",
        received_at,
        {"delivery": row},
        row["session_id"],
        row["meeting_id"],
        organization_id,
        received_at,
        is_old=row["processed_at"] - received_at > announce_within,
    )
