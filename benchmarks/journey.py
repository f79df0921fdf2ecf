"""A journey: every event of a set is posted once and reaches the ledger."""

import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import UUID

import psycopg

from benchmarks.cpu import spent
from benchmarks.load import posting_once
from benchmarks.system import System
from workers.queue.delivery import first_delivery_id

# A ledger that has not grown for this long is stuck.
_STALLED_SECONDS = 30.0
# Counting slows the ledger down: count again when half of the missing rows should be there.
_SHORTEST_PAUSE, _LONGEST_PAUSE = 0.01, 0.5
# Acknowledging the last commit counts as cost, not as time.
_LAST_WORDS = 0.3

# Ids sort by time, so only new ones are counted, however many there were.
_ARRIVED = "SELECT count(*) FROM rollcall.deliveries WHERE id >= %s"
_SPAN = "SELECT min(received_at), max(pg_xact_commit_timestamp(xmin)) FROM rollcall.deliveries"


class StalledError(Exception):
    """Events do not reach the ledger, so there is nothing to measure."""


@dataclass(frozen=True, slots=True)
class Journey:
    """The result of a journey.

    Attributes:
        events: the number posted.
        seconds: from the first one received to the commit of the last.
        cpu: CPU seconds by part, from before the first to after the last acknowledgement to the queue.
    """

    events: int
    seconds: float
    cpu: Mapping[str, float]

    @property
    def events_per_second(self) -> float:
        """Events per second, end to end."""
        return self.events / self.seconds

    @property
    def cpu_per_event(self) -> float:
        """CPU seconds per event, of all parts except the load generator."""
        return sum(self.cpu.values()) / self.events


def travel(system: System, requests: Path, events: int, connections: int) -> Journey:
    """Post every request of a file once, over this many connections, to an empty system."""
    account = system.account()
    with psycopg.connect(system.database_url, autocommit=True) as connection:
        since = first_delivery_id(datetime.now(UTC))
        before = account.read()
        with posting_once(system.port, requests, connections):
            try:
                wait_for_ledger(connection, events, since)
            except StalledError as stalled:
                raise StalledError(f"{stalled} Its processes say:\n{system.processes.complaints()}") from None
            time.sleep(_LAST_WORDS)
        cpu = spent(before, account.read())
        span: tuple[datetime, datetime] | None = connection.execute(_SPAN).fetchone()
    assert span is not None
    return Journey(events, (span[1] - span[0]).total_seconds(), cpu)


def wait_for_ledger(connection: psycopg.Connection[Any], deliveries: int, since: UUID) -> None:
    """Return once the ledger holds this many deliveries with ids from `since` on.

    Raises:
        StalledError: they do not arrive.
    """
    began = grew = time.monotonic()
    before = 0
    while True:
        row = connection.execute(_ARRIVED, [since]).fetchone()
        there = int(row[0]) if row else 0
        if there >= deliveries:
            return
        now = time.monotonic()
        if there > before:
            before, grew = there, now
        if now - grew > _STALLED_SECONDS:
            raise StalledError(f"The ledger has stopped at {there} of {deliveries} deliveries.")
        missing_seconds = (deliveries - there) * (now - began) / there if there > 0 else _LONGEST_PAUSE
        time.sleep(min(max(missing_seconds / 2, _SHORTEST_PAUSE), _LONGEST_PAUSE))
