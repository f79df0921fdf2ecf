"""The thread that announces: it looks for marks whenever it is notified, and once in a while anyway."""

import threading
import time
from datetime import timedelta

import psycopg
import structlog

from automations.announcing.round import tell_changes, tell_outcomes, tell_verdicts
from automations.announcing.sweep import mark_missed
from runtime.connections import connect, cut_connection
from runtime.database_errors import Cause, cause_of
from runtime.deadlines import deadlines
from runtime.session import Session
from workers.tables.marks import CHANNEL

# Seconds between looks for marks without a notification, while some wait for their session's turn, and those for what
# time alone brings.
_LOOK = 0.5
_LOOK_AGAIN = 0.05
_LOOK_FOR_SETTLED = 1.0
_LOOK_FOR_VERDICTS = 10.0
_LOOK_FOR_MISSED = 300.0
# Seconds between tries while the database is away.
_PAUSE = 1.0
# Seconds that a round may take before its connection counts as dead.
_DEADLINE = 60.0

_NAME = "rollcall automations (announces)"
_WAITING = "SELECT FROM rollcall.marks LIMIT 1"

_log = structlog.get_logger(__name__)


class Announcer:
    """Announces what workers have marked, on one connection."""

    def __init__(self, database_url: str, announce_within: timedelta, settle_after: timedelta) -> None:
        """Announce what happened at most `announce_within` before it was committed, and hold what is older.

        Args:
            database_url: where the tables are.
            announce_within: see `ANNOUNCE_WITHIN`.
            settle_after: how long a session must have been quiet after its end.
        """
        self._url = database_url
        self._announce_within = announce_within
        self._settle_after = settle_after
        self._connection: Session | None = None
        self._next = {self._tell_outcomes: 0.0, self._tell_verdicts: 0.0, self._mark_missed: 0.0}

    def run(self, stopping: threading.Event) -> None:
        """Announce until `stopping`. While the database is away it is tried again and again."""
        is_away = False
        while not stopping.is_set():
            try:
                self._round()
            except psycopg.Error as error:
                self._drop()
                if cause_of(error) is not Cause.CONTENTION and not is_away:
                    is_away = True
                    _log.warning("announcing_waits", error=type(error).__name__, sqlstate=error.sqlstate)
                stopping.wait(_PAUSE)
            else:
                if is_away:
                    is_away = False
                    _log.info("announcing_goes_on")
        self._drop()

    def _round(self) -> None:
        connection = self._connected()
        with deadlines.within(_DEADLINE, lambda: cut_connection(connection)):
            is_more = self._tell_changes(connection)
            for look, interval in (
                (self._tell_outcomes, _LOOK_FOR_SETTLED),
                (self._tell_verdicts, _LOOK_FOR_VERDICTS),
                (self._mark_missed, _LOOK_FOR_MISSED),
            ):
                if time.monotonic() >= self._next[look]:
                    if look(connection):
                        is_more = True
                    else:
                        self._next[look] = time.monotonic() + interval
        if not is_more:
            self._wait(connection)

    def _tell_changes(self, connection: Session) -> bool:
        return tell_changes(connection, self._announce_within, self._settle_after).is_more

    def _tell_outcomes(self, connection: Session) -> bool:
        done = tell_outcomes(connection, self._announce_within, self._settle_after)
        if done.meetings:
            tell_verdicts(connection, self._announce_within, done.meetings)
        return done.is_more

    def _tell_verdicts(self, connection: Session) -> bool:
        return tell_verdicts(connection, self._announce_within, ()).is_more

    @staticmethod
    def _mark_missed(connection: Session) -> bool:
        mark_missed(connection)
        return False

    @staticmethod
    def _wait(connection: Session) -> None:
        """Wait until marks are there, or for a while."""
        if connection.execute(_WAITING).rowcount:
            # Their sessions were looked at a moment ago, or are in other hands.
            time.sleep(_LOOK_AGAIN)
        elif connection.is_shared:
            time.sleep(_LOOK)
        else:
            for _ in connection.notifies(timeout=_LOOK, stop_after=1):
                pass

    def _connected(self) -> Session:
        if self._connection is None or self._connection.closed:
            self._connection = connect(self._url, name=_NAME)
            if not self._connection.is_shared:
                self._connection.execute(f"LISTEN {CHANNEL}")
        return self._connection

    def _drop(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.close()
