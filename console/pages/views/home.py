"""`/`: how things stand now. It follows within two seconds."""

import threading
from datetime import datetime, timedelta
from typing import Any

from console.pages.asking import Asking
from console.pages.listing import Column, Kind, Listing, to
from console.pages.site import Shown, with_files
from console.queries.present import (
    days_between,
    endpoints_in_trouble,
    live_sessions,
    pending_messages,
    set_aside_since,
    waiting_in_database,
)
from console.queries.recordings import count_missing
from console.queries.tables import Row, Tables
from workers.queue.delivery import first_delivery_id

_USUAL_DAYS = 7
_FIGURES = ("sessions", "participant_minutes", "recording_minutes")
_WEEK = timedelta(days=7)
_MISSING_KEPT = timedelta(seconds=30)
_MOST_MISSING = 1000

_LIVE = (
    Column("started_at", "Started", Kind.TIME, to("/sessions", "session_id")),
    Column("title", "Title", link=to("/sessions", "session_id")),
    Column("duration_seconds", "So far", Kind.LENGTH),
    Column("people_present", "Present", Kind.NUMBER),
    Column("who", "Who is in"),
    Column("session_id", "Session", Kind.ID, to("/sessions", "session_id")),
)
_MOST_NAMES = 12


class Home:
    """The page, which remembers what does not change every two seconds."""

    def __init__(self, *, has_queue: bool) -> None:
        """Remember nothing yet.

        Args:
            has_queue: whether deliveries wait in the same database.
        """
        self._has_queue = has_queue
        self._lock = threading.Lock()
        self._missing: tuple[datetime, int] | None = None
        self._usual: tuple[datetime, dict[str, float]] | None = None

    def page(self, asking: Asking) -> Shown:
        """Return the page."""
        tables, now = asking.tables, asking.now
        today = now.replace(hour=0, minute=0, second=0, microsecond=0)
        live = [_with_names(row, asking) for row in live_sessions(tables, now)]
        aside = set_aside_since(tables, first_delivery_id(now - _WEEK))
        values: dict[str, Any] = {
            "today": _figures(days_between(tables, today, now + timedelta(days=1))),
            "usual": self._usual_day(tables, today),
            "waiting": waiting_in_database(tables) if self._has_queue else None,
            "pending": pending_messages(tables),
            "set_aside": aside,
            "missing": self._missing_recordings(tables, now),
            "trouble": endpoints_in_trouble(tables),
        }
        listing = Listing("live", "Live sessions, latest first", _LIVE, live, "No session is live.")
        return Shown("home.html", "Now", values, (with_files(asking, listing),), is_live=True)

    def _missing_recordings(self, tables: Tables, now: datetime) -> int:
        with self._lock:
            if self._missing is not None and now - self._missing[0] < _MISSING_KEPT:
                return self._missing[1]
        found = count_missing(tables, now - _WEEK, _MOST_MISSING + 1)
        with self._lock:
            self._missing = (now, found)
        return found

    def _usual_day(self, tables: Tables, today: datetime) -> dict[str, float]:
        with self._lock:
            if self._usual is not None and self._usual[0] == today:
                return self._usual[1]
        days = days_between(tables, today - timedelta(days=_USUAL_DAYS), today)
        found = {name: value / _USUAL_DAYS for name, value in _figures(days).items()}
        with self._lock:
            self._usual = (today, found)
        return found


def _figures(days: list[Row]) -> dict[str, float]:
    return {name: sum(float(day[name]) for day in days) for name in _FIGURES}


def _with_names(row: Row, asking: Asking) -> Row:
    """Return a live session with those who are in it: by name, or for who may not see names by connection."""
    sees_names = asking.tables.shows("participants", "display_name")
    names: dict[str, str] = {}
    for one in row["present"]:
        person = one["custom_participant_id"] or one["peer_id"]
        names.setdefault(person, (one["display_name"] or person) if sees_names else one["peer_id"][:8])
    who = [name[:60] for name in names.values()]
    rest = len(who) - _MOST_NAMES
    return {
        **row,
        "people_present": len(names),
        "who": who[:_MOST_NAMES] + ([f"{rest} more"] if rest > 0 else []),
    }
