"""Keeps the results of attempts: those that arrive while one transaction is under way share the next."""

import asyncio
from collections.abc import Callable, Sequence
from datetime import datetime
from functools import partial

import msgspec

from automations.sending.alarms import attend
from automations.sending.database import Database
from automations.sending.failing import Failing
from automations.sending.results import (
    AttemptRow,
    Outcome,
    StateChange,
    let_next_go,
    lock_sessions,
    write_results,
)
from runtime.session import Session
from workers.rules.messages import DeliveryStatus

# Results in one transaction.
_MOST = 500


class Result(msgspec.Struct, frozen=True):
    """What became of an attempt.

    Attributes:
        attempt: its row.
        outcome: what it changes.
        session_id: the session whose next message may follow; None if none waits for it.
        slowed_until: until when the endpoint is to be left alone.
        is_gone: whether the endpoint is to be disabled.
    """

    attempt: AttemptRow
    outcome: Outcome
    session_id: str | None
    slowed_until: datetime | None
    is_gone: bool


class Recorder:
    """Writes results in the order in which they come."""

    def __init__(
        self, database: Database, kept: Callable[[Sequence[Result]], None], disabled: Callable[[set[str]], None]
    ) -> None:
        """Write to a database.

        Args:
            database: a connection of its own.
            kept: called with results once they are committed.
            disabled: called with the ids of endpoints that were disabled.
        """
        self._database = database
        self._kept = kept
        self._disabled = disabled
        self._waiting: list[Result] = []
        self._arrived = asyncio.Event()

    def put(self, result: Result) -> None:
        """Take a result, to be written soon."""
        self._waiting.append(result)
        self._arrived.set()

    def is_idle(self) -> bool:
        """Return whether everything is written."""
        return not self._waiting

    async def run(self) -> None:
        """Write until cancelled. While the database is away, results wait."""
        while True:
            await self._arrived.wait()
            self._arrived.clear()
            while self._waiting:
                batch = self._waiting[:_MOST]
                states, gone = await self._database.insist(partial(write, batch=batch))
                del self._waiting[: len(batch)]
                self._kept(batch)
                if gone or any(state.since is not None for state in states):
                    ahead = batch[0].outcome.ahead
                    self._disabled(await self._database.insist(partial(attend, states=states, gone=gone, ahead=ahead)))


def write(connection: Session, batch: Sequence[Result]) -> tuple[list[Failing], set[str]]:
    """Write results; return how their endpoints fare, and which are gone."""
    done = {
        (one.outcome.endpoint_id, one.session_id)
        for one in batch
        if one.session_id is not None and one.outcome.status != DeliveryStatus.PENDING
    }
    with connection.transaction(), connection.cursor() as cursor:
        lock_sessions(cursor, {session_id for _, session_id in done})
        states = write_results(cursor, [one.attempt for one in batch], [one.outcome for one in batch], _changes(batch))
        let_next_go(cursor, done, batch[0].outcome.ahead)
    return states, {one.outcome.endpoint_id for one in batch if one.is_gone}


def _changes(batch: Sequence[Result]) -> list[StateChange]:
    """Return what the results, in their order, say of each endpoint."""
    found: dict[str, StateChange] = {}
    for one in batch:
        endpoint_id, at = one.outcome.endpoint_id, one.attempt.at
        before = found.get(endpoint_id, StateChange(endpoint_id))
        if one.outcome.status == DeliveryStatus.DELIVERED:
            change = StateChange(endpoint_id, None, before.last_failed_at, at, before.slowed_until)
        else:
            slowed = [until for until in (before.slowed_until, one.slowed_until) if until is not None]
            change = StateChange(
                endpoint_id, before.failing_since or at, at, before.delivered_at, max(slowed, default=None)
            )
        found[endpoint_id] = change
    return [found[endpoint_id] for endpoint_id in sorted(found)]
