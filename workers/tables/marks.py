"""Marks: a row, written in the transaction that changes something, saying that it changed. Read by `automations`."""

from collections.abc import Collection
from enum import StrEnum

from workers.tables.arrays import Cursor

CHANNEL = "rollcall_marks"
"""Where a worker notifies of marks, once they have committed."""


class MarkKind(StrEnum):
    """What a mark is about."""

    SESSION = "session"
    LIVESTREAM = "livestream"
    """A stream, for entries of the timeline that name no session."""
    DELIVERY = "delivery"
    """A quarantined delivery."""


# Without an endpoint no marks are needed: checking that costs one look at a table of a few rows.
_MARK = """
INSERT INTO rollcall.marks (kind, subject)
SELECT kind, subject FROM unnest(%b::text[], %b::text[]) AS changed (kind, subject)
WHERE EXISTS (SELECT FROM rollcall.endpoints)
"""


def mark(
    cursor: Cursor,
    sessions: Collection[str] = (),
    livestreams: Collection[str] = (),
    deliveries: Collection[str] = (),
) -> bool:
    """Mark what a transaction changes, each subject once. Writes nothing while there is no endpoint.

    Args:
        cursor: in the transaction.
        sessions: ids of sessions of which a row was written or removed.
        livestreams: ids of streams of which an entry without a session was written or removed.
        deliveries: ids of deliveries that were quarantined.

    Returns:
        Whether there was anything to mark. What was written, the cursor's row count says: in a pipeline after its end.
    """
    changed = (
        [(MarkKind.SESSION, one) for one in sorted(sessions)]
        + [(MarkKind.LIVESTREAM, one) for one in sorted(livestreams)]
        + [(MarkKind.DELIVERY, one) for one in sorted(deliveries)]
    )
    if not changed:
        return False
    columns = [[kind.value for kind, _ in changed], [subject for _, subject in changed]]
    cursor.execute(_MARK, columns, prepare=True)
    return True
