"""A clock that nobody sets: it tells ages, whatever the system's clock does meanwhile."""

import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

# A system's clock can be wrong by more than ages can be counted from.
_EARLIEST = datetime(1970, 1, 1, tzinfo=UTC)
_LATEST = datetime(3000, 1, 1, tzinfo=UTC)


def steady_clock() -> Callable[[], datetime]:
    """Return a clock that starts at the system's time, UTC, and from then on goes at its own pace.

    Its times are good for differences alone.
    """
    began = time.monotonic()
    start = min(max(datetime.now(UTC), _EARLIEST), _LATEST)
    return lambda: start + timedelta(seconds=time.monotonic() - began)
