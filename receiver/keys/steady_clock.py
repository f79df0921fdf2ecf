"""A monotonic clock for ages, unaffected by changes of the system clock."""

import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

# The system clock can be too wrong for dates to be subtracted from it.
_EARLIEST = datetime(1970, 1, 1, tzinfo=UTC)
_LATEST = datetime(3000, 1, 1, tzinfo=UTC)


def steady_clock() -> Callable[[], datetime]:
    """Return a clock that starts at the system time, UTC, and then advances monotonically.

    Only differences between its times are meaningful.
    """
    began = time.monotonic()
    start = min(max(datetime.now(UTC), _EARLIEST), _LATEST)
    return lambda: start + timedelta(seconds=time.monotonic() - began)
