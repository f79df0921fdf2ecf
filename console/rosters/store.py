"""Writes and removes rows of `roster`."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, LiteralString

import psycopg

from console.rosters.line import Expected

# In the order of the key, so that two imports at the same time take turns and do not deadlock.
_IMPORT: LiteralString = """
    INSERT INTO rollcall.roster AS r (meeting_id, person, starts_at, ends_at, display_name, minimum_share)
    SELECT * FROM unnest(%s::text[], %s::text[], %s::timestamptz[], %s::timestamptz[], %s::text[], %s::numeric[])
        AS new (meeting_id, person, starts_at, ends_at, display_name, minimum_share)
    ORDER BY meeting_id, person, starts_at
    ON CONFLICT (meeting_id, person, starts_at) DO UPDATE SET
        ends_at = excluded.ends_at, display_name = excluded.display_name, minimum_share = excluded.minimum_share
    RETURNING (xmax = 0)"""
_COUNT: LiteralString = """
    SELECT count(*) FROM rollcall.roster
    WHERE (%(meeting)s::text IS NULL OR meeting_id = %(meeting)s)
        AND (%(before)s::timestamptz IS NULL OR ends_at < %(before)s)"""
_CLEAR: LiteralString = """
    DELETE FROM rollcall.roster
    WHERE (%(meeting)s::text IS NULL OR meeting_id = %(meeting)s)
        AND (%(before)s::timestamptz IS NULL OR ends_at < %(before)s)"""


def import_roster(connection: psycopg.Connection[Any], expected: Sequence[Expected]) -> tuple[int, int]:
    """Write all lines of a roster in one transaction; return how many rows are new, and how many were there before."""
    columns = [
        [one.meeting_id for one in expected],
        [one.person for one in expected],
        [one.starts_at for one in expected],
        [one.ends_at for one in expected],
        [one.display_name for one in expected],
        [one.minimum_share for one in expected],
    ]
    with connection.transaction():
        is_new = [new for (new,) in connection.execute(_IMPORT, columns)]
    return sum(is_new), len(is_new) - sum(is_new)


def count_roster(connection: psycopg.Connection[Any], meeting: str | None, before: datetime | None) -> int:
    """Return how many rows `clear_roster` would remove."""
    [(count,)] = connection.execute(_COUNT, {"meeting": meeting, "before": before}).fetchall()
    return int(count)


def clear_roster(connection: psycopg.Connection[Any], meeting: str | None, before: datetime | None) -> int:
    """Remove the rows of a meeting (None: of any) that end before a time (None: at any time); return how many."""
    with connection.transaction():
        return connection.execute(_CLEAR, {"meeting": meeting, "before": before}).rowcount
