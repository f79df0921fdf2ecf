"""The job that asks the vendor's API: about what has ended, what goes on, and what the list of the last days holds."""

import threading
import time
from datetime import datetime, timedelta
from uuid import uuid4

import psycopg
import structlog

from clock.asking import Asker, Told
from clock.job import Job
from clock.listing import Listing
from clock.metrics import ClockMetrics
from clock.publishing import Publishing
from clock.whose import Whose
from runtime.session import Session
from vendor_api.client import VendorClient
from vendor_api.credentials import Credentials
from vendor_api.errors import CredentialsError, NotThereError, StoppedError, VendorError
from vendor_api.history import History
from vendor_api.pace import Pace
from vendor_api.settings import VendorSettings
from workers.queue.publisher import QueueAwayError
from workers.upkeep import reconciliations
from workers.upkeep.lookups import DueSession, LookedUp, due_sessions, looked_up
from workers.upkeep.reconciliations import RECONCILE, Progress

# Seconds between looks at the tables.
_INTERVAL = 5.0
# Until another process may take over; renewed before each session. Should the vendor's longest pause outlast it, both
# keep the same pace, and what both ask for is kept once.
_LEASE = timedelta(minutes=2)
# How far back the first round looks, and how far each further one before the last: a session may be listed late.
DAYS = timedelta(days=3)
_OVERLAP = timedelta(hours=6)
# Sessions looked for at once.
_AT_ONCE = 20
# Seconds before refused credentials, or an API that is away, are tried again.
_PAUSE = 300.0

_log = structlog.get_logger(__name__)


class Reconciler:
    """What the job needs from one look to the next."""

    def __init__(  # noqa: PLR0913, PLR0917 - the parts, each once
        self,
        settings: VendorSettings,
        database_url: str,
        broker_url: str,
        every: timedelta,
        quiet: timedelta,
        metrics: ClockMetrics,
    ) -> None:
        self._settings = settings
        self._database_url = database_url
        self._broker_url = broker_url
        self._every = every
        self._quiet = quiet
        self._metrics = metrics
        self._holder = uuid4()
        self._whose = Whose(settings.credentials)
        self._not_before: dict[Credentials, float] = {}
        # When each session was asked about, with the end that was known: workers may not have written the answers yet.
        self._asked: dict[tuple[str, datetime | None], float] = {}

    def work(self, connection: Session, stopping: threading.Event) -> None:
        """Ask about what is due, if this process is the one that asks."""
        with connection.cursor() as cursor:
            progress = self._take(cursor)
            if progress is None:
                return
            due = self._due(cursor)
        is_round = progress.done_at is None or progress.now - progress.done_at >= self._every
        if not due and not is_round:
            return
        with (
            Pace(self._database_url, self._settings.calls_per_second, stopping) as pace,
            VendorClient(pace, self._settings.way_out, stopping) as client,
            Publishing(self._broker_url, stopping) as publishing,
        ):
            history = History(client)
            asker = Asker(history, publishing.publish, publishing.flush)
            try:
                while due and not stopping.is_set():
                    for session in due:
                        self._renew(connection)
                        self._ask(connection, asker, session, progress.now)
                        self._asked[session.id, session.ended_at] = time.monotonic()
                    with connection.cursor() as cursor:
                        due = self._due(cursor)
                asker.flush()
                if is_round:
                    self._go_round(connection, history, asker, progress)
            except (StoppedError, _TakenOverError):
                return
            except QueueAwayError as error:
                _log.warning("answers_not_published", says=str(error))
            finally:
                self._note(asker.told)

    def _take(self, cursor: psycopg.Cursor[tuple[object, ...]]) -> Progress | None:
        return reconciliations.take(cursor, RECONCILE, self._holder, _LEASE)

    def _due(self, cursor: psycopg.Cursor[tuple[object, ...]]) -> list[DueSession]:
        """Return sessions that are due, but for those that this process has asked about of late."""
        since = time.monotonic() - self._every.total_seconds()
        self._asked = {session: at for session, at in self._asked.items() if at > since}
        due = due_sessions(cursor, DAYS, self._quiet, self._every, _AT_ONCE + len(self._asked))
        return [session for session in due if (session.id, session.ended_at) not in self._asked]

    def _ask(self, connection: Session, asker: Asker, session: DueSession, now: datetime) -> None:
        """Ask about a session as each that may know it."""
        tried = 0
        for credentials in self._whose.candidates(session.organization_id):
            if not self._may_ask(credentials):
                continue
            try:
                if session.meeting_id is not None and session.started_at is not None:
                    asker.recordings_of(credentials, session.meeting_id, session.started_at, session.ended_at)
                is_known = asker.ask(credentials, session.id)
            except NotThereError:
                is_known = False
            except (StoppedError, QueueAwayError, psycopg.Error):
                raise
            except VendorError as error:
                self._refused(connection, credentials, error)
                continue
            tried += 1
            if is_known:
                self._whose.remember(session.organization_id, credentials)
                return
        if tried == len(self._whose.candidates(session.organization_id)):
            asker.not_found(session.id, now)

    def _go_round(self, connection: Session, history: History, asker: Asker, progress: Progress) -> None:
        """Go through the lists since the last round; one that was broken off passes over what is in the tables."""
        since, until = progress.done_at - _OVERLAP if progress.done_at else progress.now - DAYS, progress.now
        listing = Listing(
            history,
            asker,
            lambda ids: self._looked_up(connection, ids),
            self._every,
            lambda: self._renew(connection),
        )
        is_whole = True
        for credentials in self._settings.credentials:
            if not self._may_ask(credentials):
                is_whole = False
                continue
            try:
                listing.recordings(credentials, since, until)
                listing.sessions(credentials, since, until, 1, lambda _page: self._renew(connection))
                listing.live_sessions(credentials)
            except (StoppedError, QueueAwayError, psycopg.Error):
                raise
            except VendorError as error:
                self._refused(connection, credentials, error)
                is_whole = False
        asker.flush()
        if is_whole:
            with connection.cursor() as cursor:
                reconciliations.finish(cursor, RECONCILE, self._holder, progress.now)
            self._metrics.reconciled()

    def _renew(self, connection: Session) -> None:
        with connection.cursor() as cursor:
            if self._take(cursor) is None:
                raise _TakenOverError

    def _looked_up(self, connection: Session, session_ids: list[str]) -> dict[str, LookedUp]:
        with connection.cursor() as cursor:
            return looked_up(cursor, session_ids)

    def _may_ask(self, credentials: Credentials) -> bool:
        return time.monotonic() >= self._not_before.get(credentials, 0.0)

    def _refused(self, connection: Session, credentials: Credentials, error: VendorError) -> None:
        self._not_before[credentials] = time.monotonic() + _PAUSE
        is_refused = isinstance(error, CredentialsError)
        self._metrics.vendor_failed(is_refused=is_refused)
        if is_refused:
            _log.error("vendor_refuses_credentials", credentials=credentials.name, says=str(error))
        else:
            _log.warning("vendor_not_asked", credentials=credentials.name, says=str(error))
        with connection.cursor() as cursor:
            reconciliations.note_error(cursor, RECONCILE, str(error))

    def _note(self, told: Told) -> None:
        self._metrics.sessions_asked(told.sessions)
        if told.sessions:
            _log.info("sessions_asked", sessions=told.sessions, not_found=told.not_found, answers=told.observations)


class _TakenOverError(Exception):
    """Another process asks now."""


def reconciling(reconciler: Reconciler) -> Job:
    """Return the job."""
    return Job("reconcile", _INTERVAL, reconciler.work)


def not_asking() -> Job:
    """Return the job of a clock that asks nobody: what was announced about sessions then waits for no answer."""

    def work(connection: Session, _stopping: threading.Event) -> None:
        with connection.cursor() as cursor:
            reconciliations.forget(cursor, RECONCILE)

    return Job("reconcile", 3600.0, work)
