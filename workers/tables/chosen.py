"""The deliveries chosen for a replay, and their rows in the ledger."""

from collections import Counter
from collections.abc import Sequence
from collections.abc import Set as AbstractSet
from datetime import datetime
from typing import Any, LiteralString
from uuid import UUID

import psycopg

from workers.queue.delivery import Delivery, Provider, first_delivery_id
from workers.reading.reading import Reading
from workers.reading.status import Status
from workers.tables.arrays import Cursor
from workers.tables.chosen_ids import Chosen
from workers.tables.ledger import Kept
from workers.tables.stored import StoredUpdate

_CHOOSE: LiteralString = "SELECT id, session_id FROM rollcall.deliveries"
# Rows fetched at once.
_FETCHED_AT_ONCE = 10_000

_SELECT: LiteralString = """
SELECT delivery.id, delivery.received_at, delivery.session_id, delivery.meeting_id, delivery.payload::text,
    delivery.raw, delivery.delivery_uuid, delivery.body_sha256, delivery.status, delivery.repeat_of,
    delivery.provider, delivery.webhook_id, delivery.event, delivery.error, delivery.subject_id
"""
_OF_SESSIONS: LiteralString = f"""{_SELECT}FROM rollcall.deliveries AS delivery
WHERE delivery.session_id = ANY(%b::text[])
ORDER BY delivery.id
"""
_OF_IDS: LiteralString = f"""{_SELECT}FROM rollcall.deliveries AS delivery
WHERE delivery.id = ANY(%b::uuid[])
ORDER BY delivery.id
"""
_REPEATS: LiteralString = f"""{_SELECT}FROM rollcall.deliveries AS delivery
WHERE delivery.repeat_of = ANY(%b::uuid[])
ORDER BY delivery.id
"""

_DELETE = "DELETE FROM rollcall.deliveries WHERE id = ANY(%b::uuid[])"
_DELETE_ENTRIES = "DELETE FROM rollcall.timeline WHERE id = ANY(%b::uuid[])"
_PROCESSED_AGAIN = "UPDATE rollcall.deliveries SET processed_at = clock_timestamp() WHERE id = ANY(%b::uuid[])"
_STATUSES = "SELECT status, count(*) FROM rollcall.deliveries WHERE id = ANY(%b::uuid[]) GROUP BY status"


class StoredDelivery(StoredUpdate, frozen=True, gc=False):
    """A whole row of the ledger, and whether the replay has chosen it."""

    provider: str
    webhook_id: str | None
    event: str | None
    error: str | None
    subject_id: str | None
    is_chosen: bool

    def reads_as(self, reading: Reading) -> bool:
        """Return whether the row agrees with the reading. A repeat does, unless it is now foreign."""
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
        """Return this row's delivery with a reading, as if it came from the queue."""
        provider = Provider(self.provider)
        delivery = Delivery(self.id, self.received_at, provider, self.delivery_uuid, self.webhook_id, b"")
        return Kept(delivery, self.body_sha256, reading)


def choose(
    connection: psycopg.Connection[Any],
    chosen: Chosen,
    ids: Sequence[UUID] | None,
    status: Status | None,
    since: datetime | None,
) -> None:
    """Choose deliveries; all of them if no condition is given.

    Args:
        connection: in a transaction.
        chosen: their ids are added to it.
        ids: these; for a repeat the first copy, which holds the body.
        status: those with this status.
        since: those received since this time.
    """
    conditions: list[LiteralString] = []
    if ids is not None:
        conditions.append(
            "id IN (SELECT coalesce(repeat_of, id) FROM rollcall.deliveries WHERE id = ANY(%(ids)s::uuid[]))"
        )
    if status is not None:
        conditions.append("status = %(status)s")
    if since is not None:
        conditions.append("id >= %(since)s")
    where: LiteralString = f" WHERE {' AND '.join(conditions)}" if conditions else ""
    parameters = {
        "ids": None if ids is None else list(ids),
        "status": status.value if status else None,
        "since": first_delivery_id(since) if since else None,
    }
    with connection.cursor("chosen", binary=True) as cursor:
        cursor.execute(_CHOOSE + where, parameters)
        while rows := cursor.fetchmany(_FETCHED_AT_ONCE):
            chosen.add(rows)


def deliveries_of_sessions(
    cursor: Cursor, session_ids: Sequence[str], chosen: AbstractSet[UUID]
) -> list[StoredDelivery]:
    """Return all deliveries of sessions, chosen or not, ordered by id."""
    return _rows(cursor.execute(_OF_SESSIONS, [list(session_ids)]), chosen)


def deliveries_of_ids(cursor: Cursor, ids: Sequence[UUID]) -> list[StoredDelivery]:
    """Return chosen deliveries, ordered by id."""
    return _rows(cursor.execute(_OF_IDS, [list(ids)]), frozenset(ids))


def repeats_of(cursor: Cursor, ids: Sequence[UUID]) -> list[StoredDelivery]:
    """Return the repeats of deliveries, ordered by id."""
    return _rows(cursor.execute(_REPEATS, [list(ids)]), frozenset())


def delete_deliveries(cursor: Cursor, ids: Sequence[UUID]) -> None:
    """Delete rows of the ledger."""
    cursor.execute(_DELETE, [list(ids)])


def delete_entries(cursor: Cursor, delivery_ids: Sequence[UUID]) -> None:
    """Delete the entries of the timeline that deliveries reported."""
    cursor.execute(_DELETE_ENTRIES, [list(delivery_ids)])


def note_processed_again(cursor: Cursor, ids: Sequence[UUID]) -> None:
    """Set `processed_at` of deliveries to now."""
    cursor.execute(_PROCESSED_AGAIN, [list(ids)])


def statuses_of(cursor: Cursor, ids: Sequence[UUID]) -> Counter[Status]:
    """Return how many of the deliveries have each status."""
    return Counter({Status(status): count for status, count in cursor.execute(_STATUSES, [list(ids)]).fetchall()})


def _rows(cursor: Cursor, chosen: AbstractSet[UUID]) -> list[StoredDelivery]:
    return [StoredDelivery(*(*row, row[0] in chosen)) for row in cursor.fetchall()]
