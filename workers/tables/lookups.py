"""The sessions that the vendor's API was asked everything about."""

from collections.abc import Iterable

from workers.queue.observation import Lookup
from workers.tables.arrays import Cursor, write_columns

# A session with many participants comes in several messages, in any order: it is complete once all are there.
_ALL_THERE = """participants <= (
    SELECT count(DISTINCT subject_id) FROM rollcall.observations AS observation
    WHERE observation.session_id = {}.session_id AND observation.kind = 'participant')"""
# SELECT hides the arrays' lengths from the planner, so it settles on a generic plan.
_WRITE = f"""
INSERT INTO rollcall.lookups AS old (session_id, asked_at, is_found, is_ended, participants, is_complete)
SELECT new.*, new.{_ALL_THERE.format("new")}
FROM unnest(
    (SELECT %b::text[]), (SELECT %b::timestamptz[]), (SELECT %b::boolean[]), (SELECT %b::boolean[]),
    (SELECT %b::bigint[])) AS new (
    session_id, asked_at, is_found, is_ended, participants)
ON CONFLICT (session_id) DO UPDATE SET
    asked_at = excluded.asked_at, is_found = excluded.is_found, is_ended = excluded.is_ended,
    participants = excluded.participants, is_complete = excluded.is_complete
WHERE excluded.asked_at > old.asked_at
RETURNING session_id, is_complete
"""  # noqa: S608 - our own
_COMPLETE = f"""
UPDATE rollcall.lookups AS lookup SET is_complete = true
WHERE session_id = ANY(%b::text[]) AND NOT is_complete AND {_ALL_THERE.format("lookup")}
RETURNING session_id
"""  # noqa: S608 - our own


def look_up(cursor: Cursor, lookups: Iterable[Lookup], session_ids: Iterable[str]) -> set[str]:
    """Write lookups; return those of all touched sessions whose answers are now all in the tables.

    Args:
        cursor: in a transaction that has locked the sessions and written their observations.
        lookups: those that end with these observations.
        session_ids: the sessions that are touched.
    """
    written: dict[str, bool] = {}
    last = {one.session_id: one for one in sorted(lookups, key=lambda one: one.asked_at)}
    if last:
        rows = [
            (one.session_id, one.asked_at, one.is_found, one.is_ended, one.participants)
            for _, one in sorted(last.items())
        ]
        write_columns(cursor, _WRITE, list(zip(*rows, strict=True)))
        written = dict(cursor.fetchall())
    others = sorted(session_id for session_id in session_ids if session_id not in written)
    complete = {session_id for session_id, is_complete in written.items() if is_complete}
    if others:
        complete |= {row[0] for row in cursor.execute(_COMPLETE, [others], prepare=True).fetchall()}
    return complete
