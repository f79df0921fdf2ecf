"""The sessions that the vendor's API was asked everything about."""

from collections.abc import Iterable, Sequence

from workers.queue.observation import Lookup
from workers.tables.arrays import Cursor, write_columns

_WRITE = """
INSERT INTO rollcall.lookups AS old (session_id, asked_at, is_found, is_ended, participants, is_complete)
SELECT new.*, false
FROM unnest(%b::text[], %b::timestamptz[], %b::boolean[], %b::boolean[], %b::bigint[]) AS new (
    session_id, asked_at, is_found, is_ended, participants)
ON CONFLICT (session_id) DO UPDATE SET
    asked_at = excluded.asked_at, is_found = excluded.is_found, is_ended = excluded.is_ended,
    participants = excluded.participants, is_complete = false
WHERE excluded.asked_at > old.asked_at
"""
# A session with many participants comes in several messages, in any order: it is complete once all are there.
_COMPLETE = """
UPDATE rollcall.lookups AS lookup SET is_complete = true
WHERE session_id = ANY(%b::text[]) AND NOT is_complete AND participants <= (
    SELECT count(DISTINCT subject_id) FROM rollcall.observations AS observation
    WHERE observation.session_id = lookup.session_id AND observation.kind = 'participant')
RETURNING session_id
"""


def look_up(cursor: Cursor, lookups: Iterable[Lookup], session_ids: Sequence[str]) -> set[str]:
    """Write lookups; return those of all touched sessions whose answers are now all in the tables.

    Args:
        cursor: in a transaction that has locked the sessions and written their observations.
        lookups: those that end with these observations.
        session_ids: the sessions that are touched.
    """
    last = {one.session_id: one for one in sorted(lookups, key=lambda one: one.asked_at)}
    if last:
        rows = [
            (one.session_id, one.asked_at, one.is_found, one.is_ended, one.participants)
            for _, one in sorted(last.items())
        ]
        write_columns(cursor, _WRITE, list(zip(*rows, strict=True)))
    return {row[0] for row in cursor.execute(_COMPLETE, [list(session_ids)], prepare=True).fetchall()}
