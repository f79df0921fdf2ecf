"""The times in a body: how they are parsed, and which are plausible."""

import re
from datetime import UTC, datetime, timedelta
from functools import lru_cache

# The service is younger: anything earlier is a zero or a default.
EARLIEST = datetime(2015, 1, 1, tzinfo=UTC)
# An event is sent once it has happened; a day is room for clocks that are wrong and for offsets left out.
CLOCKS_DIFFER_BY = timedelta(days=1)
# Ten years, with as many leap days as they can have.
EXPIRES_WITHIN = timedelta(days=3653)

# In characters. The vendor's have 27 at most, nanoseconds and an offset make 35.
LONGEST_TIME = 64
# How the fault of a time ends that another copy of the body, received later, can state without fault.
TOO_FAR_AHEAD = "after the delivery was received"
# datetime.fromisoformat reads more than that: any character between date, time and offset, a NUL among them.
_TIME = re.compile(r"[\d-]{10}[T t][\d:]+([.,]\d+)?(Z|z|[+-][\d:]+)?", re.ASCII)


def parse_time(value: object) -> datetime:
    """Return the time that a value of a body is, in UTC. No offset counts as UTC.

    Raises:
        ValueError, OverflowError: it is none, or none of the years 1 to 9999.
    """
    # First of all, as parsed texts are cached.
    if not isinstance(value, str) or len(value) > LONGEST_TIME:
        raise ValueError
    return remembered_time(value)


def fault_of(time: datetime, received_at: datetime, *, expiry: bool = False) -> str | None:
    """Return why a time that a delivery states can't be; None where it can.

    Args:
        time: as it is stated.
        received_at: when the delivery that states it was received.
        expiry: it says when something expires, not when something happened.
    """
    ahead = time - received_at
    if expiry:
        return f"is more than ten years {TOO_FAR_AHEAD}" if ahead > EXPIRES_WITHIN else None
    if time < EARLIEST:
        return f"is before {EARLIEST.year}"
    return f"is more than a day {TOO_FAR_AHEAD}" if ahead > CLOCKS_DIFFER_BY else None


# The events of a session repeat its times, and those of a participant its.
@lru_cache(maxsize=4096)
def remembered_time(text: str) -> datetime:
    """Return the time that a short text is, as `parse_time` does."""
    if _TIME.fullmatch(text) is None:
        raise ValueError
    time = datetime.fromisoformat(text)
    return time.replace(tzinfo=UTC) if time.tzinfo is None else time.astimezone(UTC)
