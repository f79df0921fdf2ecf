"""Replay: reads deliveries from the ledger again and rebuilds the tables from them, session by session.

For use after an upgrade, after a change of `ORGANIZATION_IDS` or `WEBHOOK_IDS`, or after tables were emptied. Workers
may be running: a session is locked while it is replayed, as it is while it is written.
"""

from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any
from uuid import UUID

import psycopg
from psycopg import errors

from runtime.connections import connect
from workers.reading.scope import Scope
from workers.reading.status import Status
from workers.settling.replay_sessions import replay_observed, replay_sessions, replay_without_session
from workers.tables.arrays import Cursor
from workers.tables.chosen import choose
from workers.tables.chosen_ids import Chosen
from workers.tables.names import reopen_names, sweep_names
from workers.tables.observations import sessions_without_deliveries

# Approximate deliveries per transaction: a session is never split.
_SESSIONS_AT_ONCE = 100
_DELIVERIES_AT_ONCE = 2_000
_MOST_DEADLOCKS = 10

_NO_ID = UUID(int=0)


@dataclass(frozen=True, slots=True)
class Selection:
    """Which deliveries to replay: these, those with a status, those received since a time, or all."""

    ids: tuple[UUID, ...] | None = None
    status: Status | None = None
    since: datetime | None = None
    everything: bool = False


Progress = Callable[[int, int], None]
"""Called after each transaction with two numbers: deliveries replayed so far, and deliveries chosen."""


def replay(
    database_url: str,
    selection: Selection,
    scope: Scope,
    progress: Progress = lambda _done, _chosen: None,
    folder: Path | None = None,
) -> Counter[Status]:
    """Replay deliveries and return how many of the chosen ones now have each status.

    Deliveries are replayed session by session: the tables of a session that has a chosen delivery are rebuilt from
    all of its deliveries. Each transaction is complete in itself, so an interrupted replay can be run again.

    Args:
        database_url: of the ledger and the tables.
        selection: which deliveries.
        scope: whose deliveries count.
        progress: called after each transaction.
        folder: for a temporary file with the chosen ids, if there are many; None keeps them all in memory.

    Raises:
        OSError: no file can be created in `folder`.
        psycopg.Error: the database is unreachable, or its tables are not those of this version.
    """
    statuses: Counter[Status] = Counter()
    with (
        connect(database_url, name="rollcall replay") as connection,
        connection.cursor() as cursor,
        Chosen(folder) as chosen,
    ):
        with connection.transaction():
            choose(connection, chosen, selection.ids, selection.status, selection.since)
        count = chosen.count()
        if selection.everything:
            with connection.transaction():
                reopen_names(cursor)
        for done in _replay_chosen(connection, cursor, chosen, scope, rewrite=not selection.everything):
            statuses += done
            progress(statuses.total(), count)
        if selection.everything:
            with connection.transaction():
                sweep_names(cursor)
    return statuses


def _replay_chosen(
    connection: psycopg.Connection[Any], cursor: Cursor, chosen: Chosen, scope: Scope, *, rewrite: bool
) -> Iterator[Counter[Status]]:
    last_session = ""
    while session_ids := chosen.sessions(last_session, _SESSIONS_AT_ONCE):
        last_session = session_ids[-1]
        ids = chosen.of_sessions(session_ids)
        yield _in_transaction(connection, partial(replay_sessions, cursor, session_ids, ids, scope, rewrite=rewrite))
    if not rewrite:
        yield from _replay_observed(connection, cursor)
    last_id = _NO_ID
    while ids := chosen.without_session(last_id, _DELIVERIES_AT_ONCE):
        last_id = ids[-1]
        yield _in_transaction(connection, partial(replay_without_session, cursor, ids, scope, rewrite=rewrite))


def _replay_observed(connection: psycopg.Connection[Any], cursor: Cursor) -> Iterator[Counter[Status]]:
    """Rebuild the sessions that are known from the vendor's API alone."""
    last_session = ""
    while True:
        with connection.transaction():
            session_ids = sessions_without_deliveries(cursor, last_session, _SESSIONS_AT_ONCE)
        if not session_ids:
            return
        last_session = session_ids[-1]
        yield _in_transaction(connection, partial(replay_observed, cursor, session_ids))


def _in_transaction(connection: psycopg.Connection[Any], work: Callable[[], Counter[Status]]) -> Counter[Status]:
    """Replay a part; retry if a worker was in the way."""
    for _ in range(_MOST_DEADLOCKS):
        with suppress(errors.DeadlockDetected), connection.transaction():
            return work()
    with connection.transaction():
        return work()
