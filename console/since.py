"""`--since`: a time as a person types it."""

import re
from datetime import UTC, datetime, timedelta

import typer

_AGO = re.compile(r"(\d{1,6})\s*([smhdw])")
_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days", "w": "weeks"}

SINCE_TAKES = "a date, a time (default: UTC) or how long ago: 2026-03-02, 2026-03-02T09:00+01:00, 90m, 2d"


def since(text: str) -> datetime:
    """Parse `text` as a time in UTC.

    Raises:
        typer.BadParameter: it is not a time.
    """
    try:
        ago = _AGO.fullmatch(text.strip())
        if ago is not None:
            return datetime.now(UTC) - timedelta(**{_UNITS[ago[2]]: int(ago[1])})
        at = datetime.fromisoformat(text.strip())
        return (at if at.tzinfo is not None else at.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, OverflowError):
        raise typer.BadParameter(f"it takes {SINCE_TAKES}.") from None
