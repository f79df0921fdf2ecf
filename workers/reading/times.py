"""The times in a body: how they are parsed, and which are plausible."""

import re
from datetime import UTC, datetime, timedelta
from functools import lru_cache

# The service is younger than that: anything earlier is a zero or a default.
EARLIEST = datetime(2015, 1, 1, tzinfo=UTC)
# An event is sent after it has happened; a day allows for wrong clocks and missing offsets.
CLOCKS_DIFFER_BY = timedelta(days=1)
# Ten years, with the most leap days they can have.
EXPIRES_WITHIN = timedelta(days=3653)

# In characters. The vendor's have at most 27; nanoseconds and an offset make 35.
LONGEST_TIME = 64
# The end of the message for a time that would be plausible in a copy of the body received later.
TOO_FAR_AHEAD = "after the delivery was received"
# datetime.fromisoformat accepts more: any character between date, time and offset, even NUL.
_TIME = re.compile(r"[\d-]{10}[T t][\d:]+([.,]\d+)?(Z|z|[+-][\d:]+)?", re.ASCII)


def parse_time(value: object) -> datetime:
    """Return a body's value as a time in UTC. Without an offset, UTC is assumed.

    Raises:
        ValueError, OverflowError: it is not a time, or not within the years 1 to 9999.
    """
    # First of all, as parsed texts are cached.
    if not isinstance(value, str) or len(value) > LONGEST_TIME:
        raise ValueError
    return remembered_time(value)


def fault_of(time: datetime, received_at: datetime, *, expiry: bool = False) -> str | None:
    """Return why a stated time is implausible; None if it is plausible.

    Args:
        time: as stated.
        received_at: when the delivery that states it was received.
        expiry: whether it is the time at which something expires, not at which something happened.
    """
    ahead = time - received_at
    if expiry:
        return f"is more than ten years {TOO_FAR_AHEAD}" if ahead > EXPIRES_WITHIN else None
    if time < EARLIEST:
        return f"is before {EARLIEST.year}"
    return f"is more than a day {TOO_FAR_AHEAD}" if ahead > CLOCKS_DIFFER_BY else None


# The events of a session repeat its times, and those of a participant theirs.
@lru_cache(maxsize=4096)
def remembered_time(text: str) -> datetime:
    """Return a short text as a time, as `parse_time` does."""
    if _TIME.fullmatch(text) is None:
        raise ValueError
    time = datetime.fromisoformat(text)
    return time.replace(tzinfo=UTC) if time.tzinfo is None else time.astimezone(UTC)
