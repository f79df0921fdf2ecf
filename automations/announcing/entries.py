"""What of the timeline is not told yet, and what was told and no longer stands."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec

from workers.tables.arrays import Cursor

# Which copy of its body a delivery is matters where the event states no time: nothing else tells two of them apart.
_OF_DELIVERY = """
    coalesce(delivery.received_at, observation.observed_at, present.occurred_at),
    coalesce(delivery.processed_at, observation.observed_at, present.occurred_at),
    coalesce(delivery.body_sha256, ''),
    CASE WHEN present.occurred_at = delivery.received_at THEN (
        SELECT count(*) FROM rollcall.deliveries AS copy
        WHERE copy.session_id IS NOT DISTINCT FROM delivery.session_id AND copy.body_sha256 = delivery.body_sha256
            AND copy.status = 'processed' AND copy.id <= delivery.id
            AND (delivery.session_id IS NOT NULL OR copy.subject_id = delivery.subject_id)
    ) END
"""
# Told and present entries side by side. Of status updates all are returned: a copy received earlier can make another
# one of them the second of its kind, although its delivery stays the same.
_DIFFERENCES = """
WITH told AS (
    SELECT telling.subject, pair.delivery_id, pair.message_id
    FROM rollcall.tellings AS telling, unnest(telling.told_deliveries, telling.told_messages)
        AS pair (delivery_id, message_id)
    WHERE telling.kind = %(kind)s AND telling.subject = ANY(%(subjects)s)
), present AS (
    SELECT {subject} AS subject, entry.* FROM rollcall.timeline AS entry
    WHERE {of_subjects}
)
SELECT
    coalesce(present.subject, told.subject), told.delivery_id, told.message_id,
    present.id, present.session_id, present.kind, present.subject_id, present.occurred_at,
    present.detail::text, present.source, present.observation_id, {of_delivery}
FROM told FULL JOIN present ON present.id = told.delivery_id AND present.subject = told.subject
LEFT JOIN rollcall.deliveries AS delivery ON delivery.id = present.delivery_id
LEFT JOIN rollcall.observations AS observation ON observation.id = present.observation_id
WHERE told.delivery_id IS NULL OR present.id IS NULL
    OR present.kind LIKE 'recording.%%' OR present.kind LIKE 'livestream.%%'
"""
_OF_SESSIONS = _DIFFERENCES.format(
    of_delivery=_OF_DELIVERY, subject="entry.session_id", of_subjects="entry.session_id = ANY(%(subjects)s)"
)
_OF_LIVESTREAMS = _DIFFERENCES.format(
    of_delivery=_OF_DELIVERY,
    subject="entry.subject_id",
    of_subjects="entry.session_id IS NULL AND entry.subject_id = ANY(%(subjects)s) AND entry.kind LIKE 'livestream.%%'",
)
_STANDING = """
SELECT present.id, present.session_id, present.kind, present.subject_id, present.occurred_at,
    present.detail::text, present.source, present.observation_id, {of_delivery}
FROM rollcall.timeline AS present
LEFT JOIN rollcall.deliveries AS delivery ON delivery.id = present.delivery_id
LEFT JOIN rollcall.observations AS observation ON observation.id = present.observation_id
WHERE present.session_id = ANY(%s)
"""


class TimelineEntry(msgspec.Struct, frozen=True):
    """An entry that stands, and what is known of its delivery or observation.

    Attributes:
        id: of the entry: its delivery's, if it has one.
        session_id: its session.
        kind: such as `participant.left`.
        subject_id: what it is about.
        occurred_at: when it happened.
        detail: its `detail`, as JSON.
        source: whether an event reports it, or the vendor's API.
        observation_id: the observation that states it, or None.
        received_at: when its delivery was received, or its observation made.
        committed_at: when its delivery was last written to the ledger, likewise.
        digest: the SHA-256 of the body.
        copy: which copy of that body this is, if the event states no time; else None.
    """

    id: UUID
    session_id: str | None
    kind: str
    subject_id: str
    occurred_at: datetime
    detail: str
    source: str
    observation_id: UUID | None
    received_at: datetime
    committed_at: datetime
    digest: bytes
    copy: int | None

    def row(self) -> dict[str, Any]:
        """Return the row of `timeline`, as messages carry it."""
        return {
            "session_id": self.session_id,
            "occurred_at": self.occurred_at,
            "kind": self.kind,
            "subject_id": self.subject_id,
            "detail": msgspec.Raw(self.detail.encode()),
            "delivery_id": None if self.observation_id is not None else str(self.id),
            "source": self.source,
            "observation_id": None if self.observation_id is None else str(self.observation_id),
        }


class Difference(msgspec.Struct, frozen=True):
    """One entry as it was told and as it stands.

    Attributes:
        subject: the session or stream.
        told_by: the id of the entry by which it was told, or None.
        told_message: the id of its message.
        entry: how it stands, or None.
    """

    subject: str
    told_by: UUID | None
    told_message: UUID | None
    entry: TimelineEntry | None


def differences(cursor: Cursor, kind: str, subjects: Sequence[str]) -> list[Difference]:
    """Return what differs between the timeline and what was told of subjects, and all their status updates."""
    if not subjects:
        return []
    statement = _OF_SESSIONS if kind == "session" else _OF_LIVESTREAMS
    rows = cursor.execute(statement.encode(), {"kind": kind, "subjects": list(subjects)}).fetchall()
    return [
        Difference(subject, told_by, told_message, TimelineEntry(*entry) if entry[0] is not None else None)
        for subject, told_by, told_message, *entry in rows
    ]


def standing(cursor: Cursor, session_ids: Sequence[str]) -> list[TimelineEntry]:
    """Return all entries of sessions."""
    statement = _STANDING.format(of_delivery=_OF_DELIVERY)
    return [TimelineEntry(*row) for row in cursor.execute(statement.encode(), [list(session_ids)]).fetchall()]
