"""Replay: deliveries of the ledger are read again and the tables made of them anew, session by session.

For when a version knows better, `ORGANIZATION_IDS` or `WEBHOOK_IDS` have changed, or the tables were emptied. Workers
may run meanwhile: a session that is replayed is locked as one that is written.
"""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Any, LiteralString
from uuid import UUID

import psycopg
from psycopg import errors

from runtime.connections import connect
from workers.queue.delivery import first_delivery_id
from workers.reading.scope import Scope
from workers.reading.status import Status
from workers.settling.replay_sessions import replay_sessions, replay_without_session
from workers.tables.arrays import Cursor

# Deliveries in one transaction, more or less: a session is never torn.
_SESSIONS_AT_ONCE = 100
_DELIVERIES_AT_ONCE = 2_000
_MOST_DEADLOCKS = 10

_CHOOSE = "INSERT INTO chosen SELECT id, session_id FROM rollcall.deliveries"
_ALL_SESSIONS = """
SELECT DISTINCT session_id FROM chosen WHERE session_id > %s ORDER BY session_id LIMIT %s
"""
_WITHOUT_SESSION = """
SELECT id FROM chosen WHERE session_id IS NULL AND id > %s ORDER BY id LIMIT %s
"""

# Names are told by the last delivery that states them. For a replay of all each is open again, the name itself stays
# readable meanwhile; what no delivery has named in the end goes.
_REOPEN: tuple[LiteralString, ...] = (
    "UPDATE rollcall.organizations SET name_by = NULL",
    "UPDATE rollcall.meetings SET organization_by = NULL, title_by = NULL, room_name_by = NULL, created_at = NULL",
)
_SWEEP: tuple[LiteralString, ...] = (
    "UPDATE rollcall.organizations SET name = NULL WHERE name_by IS NULL AND name IS NOT NULL",
    """
    UPDATE rollcall.meetings SET
        organization_id = CASE WHEN organization_by IS NOT NULL THEN organization_id END,
        title = CASE WHEN title_by IS NOT NULL THEN title END,
        room_name = CASE WHEN room_name_by IS NOT NULL THEN room_name END
    WHERE organization_by IS NULL OR title_by IS NULL OR room_name_by IS NULL
    """,
    """
    DELETE FROM rollcall.meetings AS meeting
    WHERE organization_by IS NULL AND title_by IS NULL AND room_name_by IS NULL AND created_at IS NULL
        AND NOT EXISTS (SELECT FROM rollcall.sessions WHERE meeting_id = meeting.id)
        AND NOT EXISTS (SELECT FROM rollcall.livestreams WHERE meeting_id = meeting.id)
    """,
    """
    DELETE FROM rollcall.organizations AS organization
    WHERE name_by IS NULL
        AND NOT EXISTS (SELECT FROM rollcall.sessions WHERE organization_id = organization.id)
        AND NOT EXISTS (SELECT FROM rollcall.meetings WHERE organization_id = organization.id)
    """,
)

_NO_ID = UUID(int=0)


@dataclass(frozen=True, slots=True)
class Selection:
    """Which deliveries of the ledger to replay: one, those of a status, those received since a time, or all."""

    delivery: UUID | None = None
    status: Status | None = None
    since: datetime | None = None
    everything: bool = False


Progress = Callable[[int, int], None]
"""Called after each transaction with the number of deliveries replayed so far and of those chosen."""


def replay(
    database_url: str, selection: Selection, scope: Scope, progress: Progress = lambda _done, _chosen: None
) -> Counter[Status]:
    """Replay deliveries and return how many of those chosen have which status now.

    Deliveries are replayed session by session: the tables of a session that has a chosen delivery are made anew from
    all of its deliveries. Each transaction is whole, so a replay that is interrupted can be started again.

    Raises:
        psycopg.Error: the database is away, or its tables are not those of this version.
    """
    statuses: Counter[Status] = Counter()
    with connect(database_url, name="rollcall replay") as connection, connection.cursor() as cursor:
        with connection.transaction():
            chosen = _choose(cursor, selection)
        if selection.everything:
            with connection.transaction():
                for statement in _REOPEN:
                    cursor.execute(statement)
        for done in _replay_chosen(connection, cursor, scope, rewrite=not selection.everything):
            statuses += done
            progress(statuses.total(), chosen)
        if selection.everything:
            with connection.transaction():
                for statement in _SWEEP:
                    cursor.execute(statement)
    return statuses


def _choose(cursor: Cursor, selection: Selection) -> int:
    conditions: list[LiteralString] = []
    if selection.delivery is not None:
        # What a repeat states, the first copy holds.
        conditions.append("id IN (SELECT coalesce(repeat_of, id) FROM rollcall.deliveries WHERE id = %(delivery)s)")
    if selection.status is not None:
        conditions.append("status = %(status)s")
    if selection.since is not None:
        conditions.append("id >= %(since)s")
    where: LiteralString = f" WHERE {' AND '.join(conditions)}" if conditions else ""
    parameters = {
        "delivery": selection.delivery,
        "status": selection.status.value if selection.status else None,
        "since": first_delivery_id(selection.since) if selection.since else None,
    }
    cursor.execute("CREATE TEMPORARY TABLE chosen (id uuid, session_id text)")
    cursor.execute(_CHOOSE + where, parameters)
    cursor.execute("CREATE INDEX ON chosen (session_id, id)")
    cursor.execute("ANALYZE chosen")
    row = cursor.execute("SELECT count(*) FROM chosen").fetchone()
    return row[0] if row else 0


def _replay_chosen(
    connection: psycopg.Connection[Any], cursor: Cursor, scope: Scope, *, rewrite: bool
) -> Iterator[Counter[Status]]:
    last_session = ""
    while session_ids := _column(cursor, _ALL_SESSIONS, last_session, _SESSIONS_AT_ONCE):
        last_session = session_ids[-1]
        yield _in_transaction(connection, partial(replay_sessions, cursor, session_ids, scope, rewrite=rewrite))
    last_id = _NO_ID
    while ids := _column(cursor, _WITHOUT_SESSION, last_id, _DELIVERIES_AT_ONCE):
        last_id = ids[-1]
        yield _in_transaction(connection, partial(replay_without_session, cursor, ids, scope, rewrite=rewrite))


def _in_transaction(connection: psycopg.Connection[Any], work: Callable[[], Counter[Status]]) -> Counter[Status]:
    """Do a part of the replay; again, where a worker was in its way."""
    for _ in range(_MOST_DEADLOCKS):
        with suppress(errors.DeadlockDetected), connection.transaction():
            return work()
    with connection.transaction():
        return work()


def _column(cursor: Cursor, statement: LiteralString, after: Any, most: int) -> Sequence[Any]:
    with cursor.connection.transaction():
        return [row[0] for row in cursor.execute(statement, [after, most]).fetchall()]
