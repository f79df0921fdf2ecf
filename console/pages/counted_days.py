"""Days that were counted are kept in memory: counting a year's connections takes too long for a page.

A kept day is right until a row of one of its sessions is written; one look at the rows of all sessions shows which days
that is true of. A page counts few days itself, and leaves many to a thread.
"""

import threading
import time
from collections import OrderedDict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta

import structlog

from console.failure import CommandFailedError
from console.pages.database import Database
from console.pages.entrance.roles import Role
from console.queries.tables import Tables
from console.queries.usage_days import DayFigures, Stamp, chunks_of, count_days, stamps_of
from runtime.logs import describe

# Sessions that a page counts itself, about a tenth of a second's work, and that are counted at once.
_MOST_NOW = 1_000
_MOST_AT_ONCE = 4_000
# Seconds after which a day is counted again in any case: an answer of the vendor's API can complete what is known of a
# session, and write nothing into its row.
_KEPT = 3600.0
_MOST_ZONES = 4
_DAY = timedelta(days=1)

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Counted:
    """What is known of some days.

    Attributes:
        figures: of each day on which anybody was there.
        uncounted: of how many days the figures are missing, or those of before a change: they are being counted.
    """

    figures: list[DayFigures]
    uncounted: int


@dataclass(frozen=True, slots=True)
class _Kept:
    # Of the day, and of the day before: who came then may have stayed.
    stamps: tuple[Stamp | None, Stamp | None]
    figures: list[DayFigures]
    at: float


class CountedDays:
    """The days that were counted, by zone."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._lock = threading.Lock()
        self._zones: OrderedDict[str, dict[date, _Kept]] = OrderedDict()
        self._wanted: set[tuple[str, date]] = set()
        self._thread: threading.Thread | None = None
        self._is_closed = False

    def of(self, tables: Tables, tz: str, first: date, last: date, *, whole: bool) -> Counted:
        """Return the figures of the days from `first` to before `last`.

        Args:
            tables: a snapshot.
            tz: the zone that days are in.
            first: the first day.
            last: the day after the last.
            whole: count all days now, however long it takes.
        """
        stamps = stamps_of(tables, tz, first - _DAY, last)
        kept = self._kept(tz)
        days = [last - _DAY * (number + 1) for number in range((last - first).days)]
        changed = [day for day in days if day not in kept or kept[day].stamps != _stamps(stamps, day)]
        now: list[date] = []
        later: list[date] = []
        room = _MOST_NOW
        for day in changed:
            room -= stamps[day].sessions if day in stamps else 0
            (now if whole or room >= 0 or _goes_on(stamps, day) else later).append(day)
        counted = self._count(tables, tz, now, stamps)
        old = time.monotonic() - _KEPT
        self._count_later(tz, [*later, *(day for day in days if day in kept and kept[day].at < old)])
        known = {**{day: kept[day].figures for day in days if day in kept}, **counted}
        return Counted([one for figures in known.values() for one in figures], len(later))

    def close(self) -> None:
        """Count no further."""
        self._is_closed = True

    def _kept(self, tz: str) -> Mapping[date, _Kept]:
        with self._lock:
            kept = self._zones.setdefault(tz, {})
            self._zones.move_to_end(tz)
            while len(self._zones) > _MOST_ZONES:
                self._zones.popitem(last=False)
            return dict(kept)

    def _count(
        self, tables: Tables, tz: str, days: Iterable[date], stamps: Mapping[date, Stamp]
    ) -> dict[date, list[DayFigures]]:
        """Count days, latest first, and keep what will stay as it is."""
        found: dict[date, list[DayFigures]] = {}
        sessions = {day: stamp.sessions for day, stamp in stamps.items()}
        for first, last in chunks_of(list(days), sessions, _MOST_AT_ONCE):
            figures = count_days(tables, tz, first, last)
            chunk = {
                first + _DAY * place: figures.get(first + _DAY * place, []) for place in range((last - first).days)
            }
            found |= chunk
            at = time.monotonic()
            with self._lock:
                self._zones.setdefault(tz, {}).update(
                    {
                        day: _Kept(_stamps(stamps, day), counted, at)
                        for day, counted in chunk.items()
                        if not _goes_on(stamps, day)
                    }
                )
        return found

    def _count_later(self, tz: str, days: Iterable[date]) -> None:
        with self._lock:
            self._wanted.update((tz, day) for day in days)
            if self._wanted and self._thread is None:
                self._thread = threading.Thread(target=self._count_wanted, name="counting", daemon=True)
                self._thread.start()

    def _count_wanted(self) -> None:
        try:
            while chunk := self._next_chunk():
                tz, days = chunk
                with self._database.reading(Role.OPERATE) as tables:
                    self._count(tables, tz, days, stamps_of(tables, tz, days[-1] - _DAY, days[0] + _DAY))
        except CommandFailedError as error:
            # The next page that wants these days starts over.
            _log.warning("usage_not_counted", error=describe(error))
        finally:
            with self._lock:
                self._wanted.clear()
                self._thread = None

    def _next_chunk(self) -> tuple[str, list[date]] | None:
        """Return the latest days that are wanted, neighbours of one zone: about as many as are counted at once."""
        with self._lock:
            if not self._wanted or self._is_closed:
                return None
            tz, day = max(self._wanted, key=lambda one: one[1])
            days: list[date] = []
            while (tz, day) in self._wanted and len(days) < _MOST_DAYS_AT_ONCE:
                self._wanted.remove((tz, day))
                days.append(day)
                day -= _DAY
            return tz, days


# So that a snapshot is not held for long.
_MOST_DAYS_AT_ONCE = 31


def _stamps(stamps: Mapping[date, Stamp], day: date) -> tuple[Stamp | None, Stamp | None]:
    return stamps.get(day), stamps.get(day - _DAY)


def _goes_on(stamps: Mapping[date, Stamp], day: date) -> bool:
    return any(stamp is not None and stamp.goes_on for stamp in _stamps(stamps, day))
