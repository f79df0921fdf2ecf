"""Time zones: the viewer's, as their browser says by a cookie, or the one that `?tz=` pins."""

import re
from datetime import UTC, datetime, tzinfo
from zoneinfo import ZoneInfo

COOKIE = "rollcall-tz"
_NAME = re.compile(r"[A-Za-z0-9_+-]{1,32}(/[A-Za-z0-9_+-]{1,32}){0,2}", re.ASCII)


class Zone:
    """A time zone by its name.

    Attributes:
        name: as in the IANA database.
        is_pinned: whether the address names it.
    """

    def __init__(self, name: str, *, is_pinned: bool = False) -> None:
        """Look a zone up.

        Raises:
            ValueError: there is none of this name.
        """
        if not _NAME.fullmatch(name):
            raise ValueError
        try:
            self.info: tzinfo = UTC if name == "UTC" else ZoneInfo(name)
        except (OSError, LookupError):
            raise ValueError from None
        self.name = name
        self.is_pinned = is_pinned

    def at(self, moment: datetime) -> datetime:
        """Return a time in this zone."""
        return moment.astimezone(self.info)

    def read(self, text: str) -> datetime:
        """Return a time as a form's field has it, or with an offset of its own; in UTC.

        Raises:
            ValueError: it is none.
        """
        try:
            found = datetime.fromisoformat(text.strip())
            return (found if found.tzinfo is not None else found.replace(tzinfo=self.info)).astimezone(UTC)
        except OverflowError:
            raise ValueError from None


def zone_of(pinned: str | None, cookie: str | None) -> Zone:
    """Return the zone to show times in.

    Args:
        pinned: what `?tz=` says.
        cookie: what the browser says.

    Raises:
        ValueError: the pinned one is none.
    """
    if pinned:
        return Zone(pinned, is_pinned=True)
    try:
        return Zone(cookie or "UTC")
    except ValueError:
        return Zone("UTC")
