"""The deliveries that a replay has chosen: a temporary table of the replay's session, and their rows in the ledger."""

from collections import Counter
from collections.abc import Sequence
from datetime import datetime
from typing import LiteralString
from uuid import UUID

from workers.queue.delivery import Delivery, Provider, first_delivery_id
from workers.reading.reading import Reading
from workers.reading.status import Status
from workers.tables.arrays import Cursor
from workers.tables.ledger import Kept
from workers.tables.stored import StoredUpdate

_CHOOSE = "INSERT INTO chosen SELECT id, session_id FROM rollcall.deliveries"
_SESSIONS = """
SELECT DISTINCT session_id FROM chosen WHERE session_id > %s ORDER BY session_id LIMIT %s
"""
_WITHOUT_SESSION = """
SELECT id FROM chosen WHERE session_id IS NULL AND id > %s ORDER BY id LIMIT %s
"""

_SELECT: LiteralString = """
SELECT delivery.id, delivery.received_at, delivery.session_id, delivery.meeting_id, delivery.payload::text,
    delivery.raw, delivery.delivery_uuid, delivery.body_sha256, delivery.status, delivery.repeat_of,
    delivery.provider, delivery.webhook_id, delivery.event, delivery.error, delivery.subject_id,
"""
_OF_SESSIONS: LiteralString = f"""{_SELECT} chosen.id IS NOT NULL
FROM rollcall.deliveries AS delivery
    LEFT JOIN chosen ON chosen.session_id = delivery.session_id AND chosen.id = delivery.id
WHERE delivery.session_id = ANY(%b::text[])
ORDER BY delivery.id
"""
_OF_IDS: LiteralString = f"""{_SELECT} true
FROM rollcall.deliveries AS delivery
WHERE delivery.id = ANY(%b::uuid[])
ORDER BY delivery.id
"""
_REPEATS: LiteralString = f"""{_SELECT} false
FROM rollcall.deliveries AS delivery
WHERE delivery.repeat_of = ANY(%b::uuid[])
ORDER BY delivery.id
"""

_DELETE = "DELETE FROM rollcall.deliveries WHERE id = ANY(%b::uuid[])"
_DELETE_ENTRIES = "DELETE FROM rollcall.timeline WHERE delivery_id = ANY(%b::uuid[])"
_PROCESSED_AGAIN = "UPDATE rollcall.deliveries SET processed_at = clock_timestamp() WHERE id = ANY(%b::uuid[])"
_STATUSES = "SELECT status, count(*) FROM rollcall.deliveries WHERE id = ANY(%b::uuid[]) GROUP BY status"


class StoredDelivery(StoredUpdate, frozen=True):
    """A whole row of the ledger, and whether the replay has chosen it."""

    provider: str
    webhook_id: str | None
    event: str | None
    error: str | None
    subject_id: str | None
    is_chosen: bool

    def reads_as(self, reading: Reading) -> bool:
        """Return whether the row says what the reading says. A repeat does unless it is foreign now."""
        if self.status == Status.REPEAT:
            return reading.status is not Status.FOREIGN
        return (
            self.status == reading.status
            and self.event == reading.event
            and self.error == reading.error
            and self.session_id == reading.session_id
            and self.meeting_id == reading.meeting_id
            and self.subject_id == reading.subject_id
        )

    def kept(self, reading: Reading) -> Kept:
        """Return the delivery that this row is, with a reading, as it would come from the queue."""
        provider = Provider(self.provider)
        delivery = Delivery(self.id, self.received_at, provider, self.delivery_uuid, self.webhook_id, b"")
        return Kept(delivery, self.body_sha256, reading)


def choose(cursor: Cursor, delivery: UUID | None, status: Status | None, since: datetime | None) -> int:
    """Choose deliveries, all where nothing is given, and return their number.

    Args:
        cursor: in a transaction.
        delivery: that one, or, of a repeat, the first copy, which holds what it states.
        status: those of that status.
        since: those received since then.
    """
    conditions: list[LiteralString] = []
    if delivery is not None:
        conditions.append("id IN (SELECT coalesce(repeat_of, id) FROM rollcall.deliveries WHERE id = %(delivery)s)")
    if status is not None:
        conditions.append("status = %(status)s")
    if since is not None:
        conditions.append("id >= %(since)s")
    where: LiteralString = f" WHERE {' AND '.join(conditions)}" if conditions else ""
    parameters = {
        "delivery": delivery,
        "status": status.value if status else None,
        "since": first_delivery_id(since) if since else None,
    }
    cursor.execute("CREATE TEMPORARY TABLE chosen (id uuid, session_id text)")
    cursor.execute(_CHOOSE + where, parameters)
    cursor.execute("CREATE INDEX ON chosen (session_id, id)")
    cursor.execute("ANALYZE chosen")
    row = cursor.execute("SELECT count(*) FROM chosen").fetchone()
    return row[0] if row else 0


def chosen_sessions(cursor: Cursor, after: str, most: int) -> list[str]:
    """Return the next sessions of chosen deliveries, in order."""
    return [row[0] for row in cursor.execute(_SESSIONS, [after, most]).fetchall()]


def chosen_without_session(cursor: Cursor, after: UUID, most: int) -> list[UUID]:
    """Return the next chosen deliveries that name no session, in order."""
    return [row[0] for row in cursor.execute(_WITHOUT_SESSION, [after, most]).fetchall()]


def deliveries_of_sessions(cursor: Cursor, session_ids: Sequence[str]) -> list[StoredDelivery]:
    """Return all deliveries of sessions, chosen or not, in the order of their ids."""
    return _rows(cursor.execute(_OF_SESSIONS, [list(session_ids)]))


def deliveries_of_ids(cursor: Cursor, ids: Sequence[UUID]) -> list[StoredDelivery]:
    """Return chosen deliveries, in the order of their ids."""
    return _rows(cursor.execute(_OF_IDS, [list(ids)]))


def repeats_of(cursor: Cursor, ids: Sequence[UUID]) -> list[StoredDelivery]:
    """Return the repeats of deliveries, in the order of their ids."""
    return _rows(cursor.execute(_REPEATS, [list(ids)]))


def delete_deliveries(cursor: Cursor, ids: Sequence[UUID]) -> None:
    """Delete rows of the ledger."""
    cursor.execute(_DELETE, [list(ids)])


def delete_entries(cursor: Cursor, delivery_ids: Sequence[UUID]) -> None:
    """Delete the entries of the timeline that deliveries reported."""
    cursor.execute(_DELETE_ENTRIES, [list(delivery_ids)])


def note_processed_again(cursor: Cursor, ids: Sequence[UUID]) -> None:
    """Set `processed_at` of deliveries to the present."""
    cursor.execute(_PROCESSED_AGAIN, [list(ids)])


def statuses_of(cursor: Cursor, ids: Sequence[UUID]) -> Counter[Status]:
    """Return how many of the deliveries have which status."""
    return Counter({Status(status): count for status, count in cursor.execute(_STATUSES, [list(ids)]).fetchall()})


def _rows(cursor: Cursor) -> list[StoredDelivery]:
    return [StoredDelivery(*row) for row in cursor.fetchall()]
