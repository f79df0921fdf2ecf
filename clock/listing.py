"""Goes through the vendor's list of sessions, and asks about each that is new, has changed, or was not asked about."""

from collections.abc import Callable
from datetime import datetime, timedelta

from clock.asking import LIVE, Asker
from vendor_api.answers import Row
from vendor_api.credentials import Credentials
from vendor_api.history import History, One, Page
from workers.upkeep.lookups import LookedUp

LookUp = Callable[[list[str]], dict[str, LookedUp]]
"""Returns what was asked about sessions so far."""


class Listing:
    """Goes through lists. It raises what `Asker` raises."""

    def __init__(
        self, history: History, asker: Asker, look_up: LookUp, every: timedelta, renew: Callable[[], None]
    ) -> None:
        """Do nothing yet.

        Args:
            history: of the vendor.
            asker: asks about each session.
            look_up: what was asked about so far.
            every: how often a session that goes on is asked about.
            renew: keeps the turn; is called before each session.
        """
        self._renew = renew
        self._history = history
        self._asker = asker
        self._look_up = look_up
        self._every = every

    def sessions(
        self,
        credentials: Credentials,
        since: datetime,
        until: datetime,
        from_page: int,
        done: Callable[[Page], None],
    ) -> None:
        """Go through the sessions that began in a time; `done` is called after each page."""
        for page in self._history.sessions(credentials, since, until, from_page=from_page):
            self._ask_about(credentials, page)
            done(page)

    def live_sessions(self, credentials: Credentials) -> None:
        """Go through the sessions that go on, whenever they began."""
        for page in self._history.sessions(credentials, is_live=True):
            self._ask_about(credentials, page)

    def recordings(self, credentials: Credentials, since: datetime, until: datetime) -> None:
        """Go through the recordings of a time."""
        for page in self._history.recordings(credentials, since, until):
            self._asker.publish_recordings(credentials, page.rows, page.asked_at)

    def due(self, page: Page) -> list[Row]:
        """Return the sessions of a page that are to be asked about, each once."""
        rows = {row["id"]: row for row in page.rows if isinstance(row.get("id"), str) and row["id"]}
        # What was asked about just now may still be on the queue.
        rows = {id_: row for id_, row in rows.items() if id_ not in self._asker.asked}
        known = self._look_up(sorted(rows))
        return [row for id_, row in rows.items() if self._is_due(row, known.get(id_), page.asked_at)]

    def _ask_about(self, credentials: Credentials, page: Page) -> None:
        for row in self.due(page):
            self._renew()
            self._asker.ask(credentials, row["id"], One(page.asked_at, row))

    def _is_due(self, row: Row, known: LookedUp | None, now: datetime) -> bool:
        if known is None or not known.is_complete:
            return True
        if row.get("status") == LIVE or not known.is_ended:
            return row.get("status") != LIVE or now - known.asked_at >= self._every
        updated_at = _time(row.get("updated_at"))
        return updated_at is not None and updated_at > known.asked_at


def _time(value: object) -> datetime | None:
    """Return a time that compares with the database's; None if it can't be read: then it decides nothing."""
    if not isinstance(value, str):
        return None
    try:
        time = datetime.fromisoformat(value.strip().strip('"'))
    except ValueError:
        return None
    return time if time.tzinfo is not None else None
