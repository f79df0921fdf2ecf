"""Taking marks: which subjects are looked at now, and what is remembered of each."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec

from automations.announcing.turns import take_turns
from workers.tables.arrays import Cursor
from workers.tables.marks import MarkKind

# All marks of a subject are taken together, and no subject more than a few times a second: a session that everybody
# joins at once is compared now and then, not once a join.
_MARKED = """
SELECT DISTINCT kind, subject FROM (
    SELECT mark.kind, mark.subject FROM rollcall.marks AS mark
    WHERE NOT EXISTS (
        SELECT FROM rollcall.tellings AS telling
        WHERE telling.kind = mark.kind AND telling.subject = mark.subject
            AND telling.looked_at > clock_timestamp() - interval '150 milliseconds'
    )
    ORDER BY mark.id LIMIT %b
) AS first
"""
_TAKE = """
DELETE FROM rollcall.marks AS mark
USING unnest(%b::text[], %b::text[]) AS taken (kind, subject)
WHERE mark.kind = taken.kind AND mark.subject = taken.subject
RETURNING mark.kind, mark.subject, mark.marked_at
"""
# A session is due once it has been quiet for a while after its end; without an end, a day after its last event.
_REMEMBER = """
INSERT INTO rollcall.tellings AS telling (kind, subject, looked_at, changed_at, due_at)
SELECT taken.kind, taken.subject, clock_timestamp(), taken.changed_at,
    CASE
        WHEN session.status = 'ended' THEN clock_timestamp() + %(settle_after)s
        WHEN session.status = 'live'
            THEN greatest(clock_timestamp() + %(settle_after)s, session.last_event_at + interval '24 hours')
    END
FROM unnest(%(kinds)s::text[], %(subjects)s::text[], %(changed)s::timestamptz[]) AS taken (kind, subject, changed_at)
LEFT JOIN rollcall.sessions AS session ON taken.kind = 'session' AND session.id = taken.subject
ORDER BY taken.kind, taken.subject
ON CONFLICT (kind, subject) DO UPDATE SET
    looked_at = excluded.looked_at,
    changed_at = greatest(telling.changed_at, excluded.changed_at),
    due_at = excluded.due_at
RETURNING kind, subject, withdrawn
"""

# Marks looked through at once.
MOST_MARKS = 500


class Taken(msgspec.Struct, frozen=True):
    """The subjects whose marks were taken.

    Attributes:
        sessions: ids of sessions.
        livestreams: ids of streams with entries that name no session.
        deliveries: ids of quarantined deliveries.
        withdrawn: by kind and subject, the messages whose entries no longer stood when last looked at.
        passed_over: how many subjects another announcer or a sender has in its hands now.
    """

    sessions: tuple[str, ...]
    livestreams: tuple[str, ...]
    deliveries: tuple[UUID, ...]
    withdrawn: dict[tuple[str, str], frozenset[UUID]]
    passed_over: int

    def __bool__(self) -> bool:
        """Return whether there is anything to look at."""
        return bool(self.sessions or self.livestreams or self.deliveries)


def take(cursor: Cursor, settle_after: Any, most: int = MOST_MARKS) -> Taken:
    """Take the marks of some subjects, hold these until the transaction ends, and note that they are looked at.

    Args:
        cursor: in a transaction. What the caller reads after this is at least as new as the marks.
        settle_after: how long a session must have been quiet, as a timedelta.
        most: marks to look through.
    """
    marked = cursor.execute(_MARKED, [most]).fetchall()
    names = {f"{kind}:{subject}": (kind, subject) for kind, subject in marked}
    ours = [names[name] for name in take_turns(cursor, names)] if names else []
    if not ours:
        return Taken((), (), (), {}, len(marked))
    changed: dict[tuple[str, str], datetime] = {}
    columns = [list(column) for column in zip(*ours, strict=True)]
    for kind, subject, marked_at in cursor.execute(_TAKE, columns).fetchall():
        key = (kind, subject)
        changed[key] = max(changed.get(key, marked_at), marked_at)
    withdrawn = _remember(cursor, changed, settle_after)
    by_kind: dict[str, list[str]] = {kind: [] for kind in MarkKind}
    for kind, subject in sorted(changed):
        by_kind[kind].append(subject)
    return Taken(
        tuple(by_kind[MarkKind.SESSION]),
        tuple(by_kind[MarkKind.LIVESTREAM]),
        tuple(UUID(one) for one in by_kind[MarkKind.DELIVERY]),
        withdrawn,
        len(marked) - len(ours),
    )


def _remember(
    cursor: Cursor, changed: dict[tuple[str, str], datetime], settle_after: Any
) -> dict[tuple[str, str], frozenset[UUID]]:
    kept: Sequence[tuple[str, str]] = [key for key in changed if key[0] != MarkKind.DELIVERY]
    rows = cursor.execute(
        _REMEMBER,
        {
            "kinds": [kind for kind, _ in kept],
            "subjects": [subject for _, subject in kept],
            "changed": [changed[key] for key in kept],
            "settle_after": settle_after,
        },
    ).fetchall()
    return {(kind, subject): frozenset(withdrawn) for kind, subject, withdrawn in rows}
