"""Reads the ledger: lists of deliveries, the latest first, and single ones."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import LiteralString
from uuid import UUID

from console.failure import CommandFailedError
from console.queries.conditions import Conditions, Range, pattern_of
from console.queries.tables import Row, Tables
from workers.queue.delivery import first_delivery_id
from workers.reading.status import Status

_LISTED: LiteralString = """
    SELECT d.id, d.provider, d.delivery_uuid, d.webhook_id, d.event, encode(d.body_sha256, 'hex') AS body_sha256,
        d.received_at, d.processed_at, d.status, d.error, d.repeat_of, d.session_id, d.meeting_id
    FROM rollcall.deliveries AS d WHERE """
_WHOLE: LiteralString = """
    SELECT id, provider, delivery_uuid, webhook_id, event, encode(body_sha256, 'hex') AS body_sha256, received_at,
        processed_at, status, error, repeat_of, session_id, meeting_id, payload, raw
    FROM rollcall.deliveries WHERE id BETWEEN %(first)s AND %(last)s ORDER BY id LIMIT 2"""
_REPEATS: LiteralString = """
    SELECT id, received_at, provider, delivery_uuid, webhook_id FROM rollcall.deliveries
    WHERE repeat_of = %(id)s ORDER BY id LIMIT %(limit)s"""
_ENTRIES: LiteralString = """
    SELECT session_id, occurred_at, kind, subject_id FROM rollcall.timeline WHERE id = %(id)s AND delivery_id = %(id)s
    ORDER BY occurred_at, kind"""
_COUNT: LiteralString = "SELECT count(*) AS number FROM (SELECT FROM rollcall.deliveries AS d WHERE "
_ID_DIGITS = 32
_PLAIN = {"body_sha256"}
# Said as text, not as a value: the index of what was set aside, and that of rare events, are used by no other plan.
_IS: Mapping[Status, LiteralString] = {
    Status.PROCESSED: "d.status = 'processed'",
    Status.REPEAT: "d.status = 'repeat'",
    Status.UNKNOWN: "d.status = 'unknown'",
    Status.FOREIGN: "d.status = 'foreign'",
    Status.QUARANTINED: "d.status = 'quarantined'",
}
_SET_ASIDE = frozenset({Status.UNKNOWN, Status.FOREIGN, Status.QUARANTINED})
_FREQUENT_EVENTS = frozenset(
    {"meeting.started", "meeting.ended", "meeting.participantJoined", "meeting.participantLeft"}
)
_IS_RARE: LiteralString = """d.event NOT IN (
    'meeting.started', 'meeting.ended', 'meeting.participantJoined', 'meeting.participantLeft')"""


@dataclass(frozen=True, slots=True, kw_only=True)
class DeliveryFilter:
    """Which deliveries are meant; what is None chooses none out.

    Attributes:
        received: when they were received.
        status: what has become of them.
        event: the event's name.
        session: the id of the session that they name.
        error: text in `error`.
        start_of_id: how their ids start, dashes or not.
    """

    received: Range = field(default_factory=Range)
    status: Status | None = None
    event: str | None = None
    session: str | None = None
    error: str | None = None
    start_of_id: str | None = None

    @property
    def looks_back(self) -> bool:
        """Whether it has no index of its own, so that without a range it looks at the last 31 days."""
        has_range = self.received.since or self.received.until or self.start_of_id
        has_index = self.session or self.is_rare or self.status in _SET_ASIDE
        return bool(self.error or self.event or self.status) and not (has_range or has_index)

    @property
    def is_rare(self) -> bool:
        """Whether it asks for an event that not every session has; these have an index."""
        return self.event is not None and self.event not in _FREQUENT_EVENTS


def find_deliveries(
    tables: Tables, chosen: DeliveryFilter, limit: int, after: UUID | None = None, now: datetime | None = None
) -> list[Row]:
    """Return deliveries, the latest first.

    Args:
        tables: where.
        chosen: which.
        limit: how many at most.
        after: where the page before ended.
        now: to look back from, if a filter does; None: it does not.

    Raises:
        HiddenFilterError: the reader may not see what they filter by.
        CommandFailedError: what is given of an id can't be one.
    """
    conditions = _conditions(tables, chosen, now)
    conditions.values["limit"] = limit
    if after is not None:
        conditions.add("d.id < %(after)s", after=after)
    return tables.rows(_LISTED + conditions.where + " ORDER BY d.id DESC LIMIT %(limit)s", conditions.values, _PLAIN)


def count_deliveries(tables: Tables, chosen: DeliveryFilter, most: int, now: datetime | None = None) -> int:
    """Return how many deliveries are chosen, counted up to `most`; the rest as `find_deliveries`."""
    conditions = _conditions(tables, chosen, now)
    conditions.values["most"] = most
    return int(
        tables.rows(_COUNT + conditions.where + " LIMIT %(most)s) AS few", conditions.values, {"number"})[0]["number"]
    )  # fmt: skip


def find_delivery(tables: Tables, delivery: str) -> Row:
    """Return the delivery with this id, or the only one whose id starts with it.

    Raises:
        CommandFailedError: there is none, or there are several.
    """
    first, last = _bounds(delivery)
    found = tables.rows(_WHOLE, {"first": first, "last": last}, _PLAIN)
    if not found:
        raise CommandFailedError(f"There is no delivery {delivery!r}: list them with `rollcall deliveries`.")
    if len(found) > 1:
        raise CommandFailedError(f"Several deliveries start with {delivery!r}: give more of the id.")
    return found[0]


def repeats_of(tables: Tables, delivery_id: UUID, limit: int) -> list[Row]:
    """Return the deliveries that repeat one's body, in order."""
    return tables.rows(_REPEATS, {"id": delivery_id, "limit": limit})


def entries_by(tables: Tables, delivery_id: UUID) -> list[Row]:
    """Return the timeline's entries that a delivery made."""
    return tables.rows(_ENTRIES, {"id": delivery_id})


def _conditions(tables: Tables, chosen: DeliveryFilter, now: datetime | None) -> Conditions:
    conditions = Conditions(tables)
    received = chosen.received.looking_back(now) if now is not None and chosen.looks_back else chosen.received
    # Ids sort by the time of receipt, and are the key.
    if received.since is not None:
        conditions.add("d.id >= %(since)s", since=first_delivery_id(received.since))
    if received.until is not None:
        conditions.add("d.id < %(until)s", until=first_delivery_id(received.until))
    if chosen.status is not None:
        conditions.add(_IS[chosen.status])
    if chosen.is_rare:
        conditions.add(_IS_RARE)
    if chosen.event is not None:
        conditions.add("d.event = %(event)s", event=chosen.event)
    if chosen.session is not None:
        conditions.add("d.session_id = %(session)s", session=chosen.session)
    if chosen.error is not None:
        tables.must_show("deliveries", "error")
        conditions.add("d.error IS NOT NULL AND d.error ILIKE %(error)s", error=f"%{pattern_of(chosen.error)}%")
    if chosen.start_of_id is not None:
        first, last = _bounds(chosen.start_of_id)
        conditions.add("d.id BETWEEN %(first)s AND %(last)s", first=first, last=last)
    return conditions


def _bounds(delivery: str) -> tuple[str, str]:
    digits = delivery.strip().lower().replace("-", "")
    if not digits or len(digits) > _ID_DIGITS or set(digits) - set("0123456789abcdef"):
        raise CommandFailedError(f"{delivery!r} is not a delivery id: list them with `rollcall deliveries`.")
    return digits.ljust(_ID_DIGITS, "0"), digits.ljust(_ID_DIGITS, "f")
