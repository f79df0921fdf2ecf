"""What the API tells of the past: sessions, their participants, and recordings, page by page."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote

from vendor_api.answers import Row, counts_from_zero, is_last_page, one_of, rows_of, total_of
from vendor_api.client import VendorClient
from vendor_api.credentials import Credentials

# Rows a page. The vendor publishes no greatest number; public projects ask for so many.
_PER_PAGE = 100
# Rows; no vendor's greatest number is smaller.
_SMALL = 10
# Pages of one list: beyond, an API that ignores the page number would be asked without end.
_MOST_PAGES = 10_000


@dataclass(frozen=True, slots=True)
class Page:
    """A page of a list.

    Attributes:
        number: from 1 on.
        asked_at: the database's time before the call.
        rows: its objects, without secrets.
        is_last: whether no page comes after it.
        total: how many rows all pages hold, as the vendor says; None if it does not.
    """

    number: int
    asked_at: datetime
    rows: tuple[Row, ...]
    is_last: bool
    total: int | None = None


@dataclass(frozen=True, slots=True)
class One:
    """An object, and the database's time before the call."""

    asked_at: datetime
    row: Row


class History:
    """Asks for the past. Every method raises what `VendorClient.get` raises."""

    def __init__(self, client: VendorClient, per_page: int = _PER_PAGE) -> None:
        self._client = client
        self._per_page = per_page
        # The most rows that a page of each list has held, at least what any vendor would let it hold.
        self._fullest: dict[str, int] = {}

    def sessions(
        self,
        credentials: Credentials,
        since: datetime | None = None,
        until: datetime | None = None,
        *,
        is_live: bool = False,
        from_page: int = 1,
    ) -> Iterator[Page]:
        """Yield sessions by their begin, earliest first, so that new ones come at the end.

        Args:
            credentials: whose.
            since: those that began then or later; one that ran into the time is not among them.
            until: those that began until then.
            is_live: only those that go on.
            from_page: where to go on.
        """
        query = {"sort_by": "createdAt", "sort_order": "ASC", **_times(since, until)}
        if is_live:
            query["status"] = "LIVE"
        return self._pages(credentials, "/sessions", "sessions", query, from_page)

    def session(self, credentials: Credentials, session_id: str) -> One | None:
        """Return a session; None if the answer holds none."""
        answered = self._client.get(credentials, f"/sessions/{quote(session_id, safe='')}")
        row = one_of(answered.answer, "session")
        return None if row is None or not isinstance(row.get("id"), str) else One(answered.asked_at, row)

    def participants(self, credentials: Credentials, session_id: str, *, from_page: int = 1) -> Iterator[Page]:
        """Yield the participants of a session with their peer events, by the time they joined."""
        query = {"sort_by": "joinedAt", "sort_order": "ASC", "include_peer_events": "true", "view": "raw"}
        path = f"/sessions/{quote(session_id, safe='')}/participants"
        return self._pages(credentials, path, "participants", query, from_page)

    def recordings(
        self,
        credentials: Credentials,
        since: datetime | None,
        until: datetime | None,
        *,
        meeting_id: str | None = None,
        from_page: int = 1,
    ) -> Iterator[Page]:
        """Yield recordings that were asked for in a time, of one meeting or all. There is no filter by session."""
        query = {"sort_by": "invokedTime", "sort_order": "ASC", **_times(since, until)}
        if meeting_id is not None:
            query["meeting_id"] = meeting_id
        return self._pages(credentials, "/recordings", "recordings", query, from_page)

    def _pages(
        self, credentials: Credentials, path: str, name: str, query: Mapping[str, str], from_page: int
    ) -> Iterator[Page]:
        before: tuple[object, ...] | None = None
        for number in range(from_page, _MOST_PAGES + 1):
            page, answer = self._page(credentials, path, name, query, number)
            if number == 1 and counts_from_zero(answer, page.rows):
                first, _ = self._page(credentials, path, name, query, 0)
                yield replace(first, is_last=False)
            ids = tuple(row.get("id") for row in page.rows)
            # An API that ignores the number of the page says the same again.
            page = replace(page, is_last=page.is_last or ids == before)
            yield page
            if page.is_last:
                return
            before = ids

    def _page(
        self, credentials: Credentials, path: str, name: str, query: Mapping[str, str], number: int
    ) -> tuple[Page, Mapping[str, Any]]:
        paged = {**query, "page_no": str(number), "per_page": str(self._per_page)}
        answered = self._client.get(credentials, path, paged)
        rows = tuple(rows_of(answered.answer, name))
        # Where nothing tells how many there are, a page shorter than asked for may yet be as full as they get. A later
        # page may begin with rows of the one before, and so be fuller than a first one ever is.
        fullest = max(self._fullest.get(name, 0), len(rows) if number <= 1 else 0, min(self._per_page, _SMALL))
        self._fullest[name] = fullest
        is_last = is_last_page(answered.answer, rows, fullest)
        return Page(number, answered.asked_at, rows, is_last, total_of(answered.answer)), answered.answer


def _times(since: datetime | None, until: datetime | None) -> dict[str, str]:
    return {
        name: at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
        for name, at in (("start_time", since), ("end_time", until))
        if at is not None
    }
