"""Who asks the vendor's API, and how far each has come: one process at a time, by a lease; another takes over."""

from datetime import datetime, timedelta
from typing import LiteralString
from uuid import UUID

import msgspec

from workers.tables.arrays import Cursor

# The clock's. A backfill has a name of its own.
RECONCILE = "reconcile"

_TAKE: LiteralString = """
INSERT INTO rollcall.reconciliations AS one (name, holder, held_until, seen_at)
VALUES (%(name)s, %(holder)s, clock_timestamp() + %(lease)s, clock_timestamp())
ON CONFLICT (name) DO UPDATE SET
    holder = excluded.holder, held_until = excluded.held_until, seen_at = excluded.seen_at
WHERE one.holder IS NULL OR one.holder = excluded.holder OR one.held_until < clock_timestamp()
RETURNING since, until, page, done_at, clock_timestamp()
"""
_LET_GO: LiteralString = """
UPDATE rollcall.reconciliations SET holder = NULL, held_until = NULL WHERE name = %s AND holder = %s
"""
_ADVANCE: LiteralString = """
UPDATE rollcall.reconciliations SET since = %(since)s, until = %(until)s, page = %(page)s
WHERE name = %(name)s AND holder = %(holder)s
"""
_FINISH: LiteralString = """
UPDATE rollcall.reconciliations SET since = NULL, until = NULL, page = 1, done_at = %(at)s, error = NULL
WHERE name = %(name)s AND holder = %(holder)s
"""
_NOTE: LiteralString = "UPDATE rollcall.reconciliations SET error = %s WHERE name = %s"
_FORGET: LiteralString = "DELETE FROM rollcall.reconciliations WHERE name = %s"


class Progress(msgspec.Struct, frozen=True):
    """How far something has come.

    Attributes:
        since: the begin of the time whose list is gone through; None: it is at no list.
        until: its end.
        page: the page to go on with.
        done_at: when it last came to its end.
        now: the database's time.
    """

    since: datetime | None
    until: datetime | None
    page: int
    done_at: datetime | None
    now: datetime


def take(cursor: Cursor, name: str, holder: UUID, lease: timedelta) -> Progress | None:
    """Take or renew the lease of something; return how far it has come, or None if another process has it."""
    row = cursor.execute(_TAKE, {"name": name, "holder": holder, "lease": lease}).fetchone()
    return None if row is None else Progress(*row)


def let_go(cursor: Cursor, name: str, holder: UUID) -> None:
    """Give up the lease, so that another process need not wait for its end."""
    cursor.execute(_LET_GO, [name, holder])


def advance(cursor: Cursor, name: str, holder: UUID, window: tuple[datetime, datetime], page: int) -> None:
    """Note the time whose list is gone through, and the page to go on with."""
    since, until = window
    cursor.execute(_ADVANCE, {"name": name, "holder": holder, "since": since, "until": until, "page": page})


def finish(cursor: Cursor, name: str, holder: UUID, at: datetime) -> None:
    """Note that something came to its end; `at`: the time up to which everything was looked at."""
    cursor.execute(_FINISH, {"name": name, "holder": holder, "at": at})


def note_error(cursor: Cursor, name: str, error: str | None) -> None:
    """Note why something can't go on; None: it can."""
    cursor.execute(_NOTE, [error, name])


def forget(cursor: Cursor, name: str) -> None:
    """Remove every trace of something that is not done any more."""
    cursor.execute(_FORGET, [name])
