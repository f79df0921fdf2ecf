"""How values look on a page. What other people wrote is text, whatever is in it."""

import re
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any
from urllib.parse import quote, urlsplit

from console.pages.zones import Zone
from console.screen.plain_text import plain
from console.screen.tables import length

# Longer texts are cut on pages with many of them; their own page has them whole.
_MOST_SHOWN = 120
_NOTHING = "\N{EN DASH}"
_SHORT_ID = 8
_KILO = 1000
_BY_TIME = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-7", re.ASCII)


def text(value: Any, most: int = _MOST_SHOWN) -> str:
    """Return a text without signs that do more than be shown, cut where it is too long."""
    if value is None or value == "":
        return _NOTHING
    found = ", ".join(map(str, value)) if isinstance(value, list) else str(value)
    cut = found if len(found) <= most else found[: most - 1] + "…"
    return plain(cut)


def short(value: Any) -> str:
    """Return a part of an id, enough to tell it from others on a page."""
    found = text(value)
    if len(found) <= _SHORT_ID + 4:
        return found
    # Those that begin with their time begin alike.
    return f"…{found[-_SHORT_ID:]}" if _BY_TIME.match(found) else found[:_SHORT_ID]


def moment(value: datetime | None, zone: Zone) -> str:
    """Return a time to the second in a zone."""
    return _NOTHING if value is None else f"{zone.at(value):%Y-%m-%d %H:%M:%S}"


def moment_utc(value: datetime) -> str:
    """Return a time to the second in UTC, for the pointer."""
    return f"{value.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC"


def clock(value: datetime | None, zone: Zone) -> str:
    """Return the time of the day in a zone."""
    return _NOTHING if value is None else f"{zone.at(value):%H:%M:%S}"


def duration(value: Any) -> str:
    """Return a number of seconds as `h:mm:ss`."""
    return _NOTHING if value is None else length(value)


def number(value: Any, places: int = 0) -> str:
    """Return a number with its thousands apart."""
    return _NOTHING if value is None else f"{value:,.{places}f}".replace(",", "\N{NARROW NO-BREAK SPACE}")


def size(value: int | Decimal | None) -> str:
    """Return a number of bytes for people."""
    if value is None:
        return _NOTHING
    rest = float(value)
    for unit in ("B", "kB", "MB", "GB"):
        if rest < _KILO:
            return f"{rest:.0f} {unit}" if unit == "B" else f"{rest:.1f} {unit}"
        rest /= _KILO
    return f"{rest:.1f} TB"


def share(value: Any) -> str:
    """Return a share of one in percent."""
    return _NOTHING if value is None else f"{100 * float(value):.0f} %"


def web_link(value: str) -> str:
    """Return the vendor's link if it is one for a browser; else the address of nothing."""
    found = plain(value)
    return found if found.lower().startswith(("https://", "http://")) else "#"


def segment(value: str) -> str:
    """Return an id as a part of an address."""
    return quote(str(value), safe="")


def host(value: str) -> str:
    """Return where an endpoint is without what may be a token in its address."""
    parts = urlsplit(value)
    return plain(f"{parts.scheme}://{parts.netloc}/…")
