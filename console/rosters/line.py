"""One line of a roster: what each column takes."""

from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from zoneinfo import ZoneInfo

REQUIRED = ("meeting_id", "person", "starts_at", "ends_at")
COLUMNS = (*REQUIRED, "display_name", "minimum_share")

_MOST_CHARACTERS = 1000


class BadLineError(Exception):
    """A line can't be read. The message says why, in one sentence without its end."""


@dataclass(frozen=True, slots=True)
class Expected:
    """Someone who is expected; see the table `roster`."""

    meeting_id: str
    person: str
    starts_at: datetime
    ends_at: datetime
    display_name: str | None
    minimum_share: Decimal | None

    @property
    def key(self) -> tuple[str, str, datetime]:
        """What makes two lines the same row."""
        return self.meeting_id, self.person, self.starts_at


def read_line(cells: dict[str, str], zone: ZoneInfo | None) -> Expected:
    """Return what a line says.

    Args:
        cells: by their columns.
        zone: what times without an offset are in, if they may be without one.

    Raises:
        BadLineError: a cell can't be read.
    """
    for name, text in cells.items():
        if "\0" in text:
            raise BadLineError(f"{name} contains a NUL character")
        if len(text) > _MOST_CHARACTERS:
            raise BadLineError(f"{name} is longer than {_MOST_CHARACTERS} characters")
        if name in REQUIRED and not text:
            raise BadLineError(f"{name} is empty")
    starts_at, ends_at = (_time(name, cells[name], zone) for name in ("starts_at", "ends_at"))
    if ends_at <= starts_at:
        raise BadLineError("ends_at is not after starts_at")
    return Expected(
        cells["meeting_id"],
        cells["person"],
        starts_at,
        ends_at,
        cells.get("display_name") or None,
        _share(cells.get("minimum_share", "")),
    )


def _time(name: str, text: str, zone: ZoneInfo | None) -> datetime:
    try:
        at = datetime.fromisoformat(text)
        if at.tzinfo is None and "T" not in text.upper() and ":" not in text:
            raise BadLineError(f"{name} is a date without a time")
        return (at if at.tzinfo is not None else _local(name, at, zone)).astimezone(UTC)
    except (ValueError, OverflowError):
        raise BadLineError(f"{name} is no time such as 2026-03-02T09:00:00+01:00") from None


def _local(name: str, at: datetime, zone: ZoneInfo | None) -> datetime:
    if zone is None:
        raise BadLineError(f"{name} has no offset such as +01:00 (or say with --tz which zone's time it is)")
    placed = at.replace(tzinfo=zone)
    if placed.astimezone(UTC).astimezone(zone).replace(tzinfo=None) != at:
        raise BadLineError(f"{name} is a time that clocks in {zone.key} leave out")
    if placed.utcoffset() != placed.replace(fold=1).utcoffset():
        raise BadLineError(f"{name} is a time that comes twice in {zone.key}: give its offset")
    return placed


def _share(text: str) -> Decimal | None:
    if not text:
        return None
    try:
        share = Decimal(text)
    except InvalidOperation:
        share = Decimal(-1)
    # Not a number is in no range either, and a comparison with it raises.
    if not share.is_finite() or not 0 <= share <= 1:
        raise BadLineError("minimum_share is no number from 0 to 1")
    return share
