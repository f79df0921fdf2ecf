"""The pace of calls: one for all processes that share the database, as a row an account.

A row, not a lock: it holds through a transaction pooler, and a process that ends leaves nothing behind.
"""

import threading
import time
from datetime import datetime, timedelta
from types import TracebackType
from typing import Self

from runtime.connections import connect
from runtime.session import Session
from vendor_api.errors import StoppedError

_NAME = "rollcall vendor"
# The next slot, unless all calls rest. Who comes late for one may make up for up to half a second, or a call that took
# long would slow all after it.
_RESERVE = """
INSERT INTO rollcall.vendor_pace AS pace (account, next_at) VALUES (%(account)s, clock_timestamp() + %(step)s)
ON CONFLICT (account) DO UPDATE SET next_at = greatest(pace.next_at, clock_timestamp() - interval '0.5 s') + %(step)s
WHERE pace.paused_until IS NULL OR pace.paused_until <= clock_timestamp()
RETURNING extract(epoch FROM next_at - %(step)s - clock_timestamp()), clock_timestamp()
"""
_PAUSED = """
SELECT extract(epoch FROM paused_until - clock_timestamp()) FROM rollcall.vendor_pace
WHERE account = %s AND paused_until > clock_timestamp()
"""
_PAUSE = """
INSERT INTO rollcall.vendor_pace AS pace (account, next_at, paused_until)
VALUES (%(account)s, clock_timestamp(), clock_timestamp() + %(seconds)s)
ON CONFLICT (account) DO UPDATE SET paused_until = greatest(pace.paused_until, excluded.paused_until)
"""
# Seconds. Who has waited longer looks again whether all calls rest now.
_LONG = 1.0


class Pace:
    """The pace, by a connection of its own. Not thread-safe."""

    def __init__(self, database_url: str, calls_per_second: float, stopping: threading.Event) -> None:
        """Connect when first used.

        Args:
            database_url: where the rows are.
            calls_per_second: of an account.
            stopping: ends a wait once it is set.
        """
        self._url = database_url
        self._step = timedelta(seconds=1 / calls_per_second)
        self._stopping = stopping
        self._connection: Session | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._connection is not None:
            self._connection.close()

    def wait(self, account: str) -> datetime:
        """Wait for the account's next slot; return the database's time at its begin.

        Raises:
            psycopg.Error: the database is away, or its tables are not those of this version.
            StoppedError: the process stops meanwhile.
        """
        while True:
            slot = self._connected().execute(_RESERVE, {"account": account, "step": self._step}).fetchone()
            if slot is None:
                self._rest(self._paused(account))
                continue
            began, wait = time.monotonic(), float(slot[0])
            if wait > 0:
                self._rest(wait)
            if wait < _LONG or not self._paused(account):
                at: datetime = slot[1] + timedelta(seconds=time.monotonic() - began)
                return at

    def pause(self, account: str, seconds: float) -> None:
        """Let all processes make no call of the account for so long.

        Raises:
            psycopg.Error: as `wait`.
        """
        self._connected().execute(_PAUSE, {"account": account, "seconds": timedelta(seconds=seconds)})

    def _paused(self, account: str) -> float:
        row = self._connected().execute(_PAUSED, [account]).fetchone()
        return float(row[0]) if row else 0.0

    def _rest(self, seconds: float) -> None:
        if self._stopping.wait(seconds):
            raise StoppedError

    def _connected(self) -> Session:
        if self._connection is None or self._connection.closed:
            # What is lost in a crash is a slot.
            self._connection = connect(self._url, name=_NAME, durable=False)
        return self._connection
