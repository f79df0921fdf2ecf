"""Asks the vendor's API for any time back: what `rollcall backfill` does."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from uuid import UUID, uuid4

from clock.asking import Asker
from clock.listing import Listing
from runtime.session import Session
from vendor_api.credentials import Credentials
from vendor_api.errors import VendorError
from vendor_api.history import History, Page
from workers.upkeep import reconciliations
from workers.upkeep.lookups import CameOf, LookedUp, came_of, looked_up, unsettled

# Until another process may take over; renewed before each session.
_LEASE = timedelta(minutes=2)
# A session that ran into the time began up to so long before it.
WIDER = timedelta(hours=24)
_CHUNK = 1000

Progress = Callable[[int, int | None], None]
"""Called after each page with two numbers: sessions of the list gone through, and how many there are, if known."""


class AlreadyRunningError(VendorError):
    """Another process does the same backfill."""


@dataclass(slots=True)
class Backfill:
    """A backfill, and what came of it so far.

    Attributes:
        connection: of the database, in autocommit mode.
        history: of the vendor.
        asker: asks about each session.
        listed: how many sessions the lists held.
        began_at: the database's time at the begin.
    """

    connection: Session
    history: History
    asker: Asker
    progress: Progress = lambda _done, _total: None
    listed: int = 0
    began_at: datetime = field(init=False)
    _holder: UUID = field(default_factory=uuid4)

    def __post_init__(self) -> None:
        """Note when it began."""
        [(self.began_at,)] = self.connection.execute("SELECT clock_timestamp()").fetchall()

    def one(self, credentials: Credentials, session_id: str) -> bool:
        """Ask about one session; return whether the vendor knows it."""
        is_known = self.asker.ask(credentials, session_id)
        if is_known:
            one = self.connection.execute(
                "SELECT meeting_id, started_at, ended_at FROM rollcall.sessions WHERE id = %s", [session_id]
            ).fetchone()
            if one is not None and one[0] is not None and one[1] is not None:
                self.asker.recordings_of(credentials, *one)
        self.asker.flush()
        return is_known

    def all(self, credentials: Credentials, since: datetime, until: datetime | None) -> None:
        """Ask about all sessions of a time that were not asked about since they changed.

        One that was broken off goes on at the page where it was.

        Raises:
            AlreadyRunningError: another process does it.
            VendorError, psycopg.Error, QueueAwayError: it can't go on.
        """
        name = f"backfill of {credentials.organization_id}"
        with self.connection.cursor() as cursor:
            known = reconciliations.take(cursor, name, self._holder, _LEASE)
        if known is None:
            raise _already_running(credentials)
        begin = since - WIDER
        goes_on = known.since == begin and (until is None or known.until == until)
        end = known.until if goes_on and known.until is not None else until or known.now
        page = known.page if goes_on else 1
        try:
            listing = Listing(
                self.history, self.asker, self._looked_up, timedelta(0), lambda: self._renew(name, credentials)
            )
            if page == 1:
                listing.recordings(credentials, begin, end + WIDER)
            listing.sessions(credentials, begin, end, page, lambda done: self._done(name, (begin, end), done))
            listing.live_sessions(credentials)
            self.asker.flush()
            with self.connection.cursor() as cursor:
                reconciliations.forget(cursor, name)
        except BaseException:
            with self.connection.cursor() as cursor:
                reconciliations.let_go(cursor, name, self._holder)
            raise

    def due(self, credentials: Credentials, since: datetime, until: datetime | None) -> int:
        """Return how many sessions of a time would be asked about, and ask only for the list."""
        listing = Listing(self.history, self.asker, self._looked_up, timedelta(0), lambda: None)
        due = 0
        for page in self.history.sessions(credentials, since - WIDER, until):
            due += len(listing.due(page))
            self.listed += len(page.rows)
            self.progress(self.listed, page.total)
        return due

    def unsettled(self) -> int:
        """Return how many of the sessions asked about are not in the tables yet."""
        with self.connection.cursor() as cursor:
            return sum(unsettled(cursor, part, self.began_at) for part in self._parts())

    def came_of(self) -> CameOf:
        """Return what the sessions asked about owe to the API."""
        with self.connection.cursor() as cursor:
            return sum((came_of(cursor, part) for part in self._parts()), CameOf())

    def _parts(self) -> list[list[str]]:
        asked = list(self.asker.asked)
        return [asked[at : at + _CHUNK] for at in range(0, len(asked), _CHUNK)]

    def _renew(self, name: str, credentials: Credentials) -> None:
        with self.connection.cursor() as cursor:
            if reconciliations.take(cursor, name, self._holder, _LEASE) is None:
                raise _already_running(credentials)

    def _done(self, name: str, window: tuple[datetime, datetime], page: Page) -> None:
        self.listed += len(page.rows)
        self.progress(self.listed, page.total)
        self.asker.flush()
        with self.connection.cursor() as cursor:
            reconciliations.advance(cursor, name, self._holder, window, page.number + 1)

    def _looked_up(self, session_ids: list[str]) -> dict[str, LookedUp]:
        with self.connection.cursor() as cursor:
            return looked_up(cursor, session_ids)


def _already_running(credentials: Credentials) -> AlreadyRunningError:
    return AlreadyRunningError(
        f"Another backfill for {credentials.name} is running, or was broken off less than two minutes ago: wait for "
        "it, or try again later."
    )
