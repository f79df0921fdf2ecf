"""When a failed message is tried again. Pure."""

from collections.abc import Sequence

_MINUTE, _HOUR = 60.0, 3600.0

# Seconds before each retry: the first soon, since most failures are restarts; the last days later, since some endpoints
# are repaired only after a weekend.
DEFAULT = (5.0, 5 * _MINUTE, 30 * _MINUTE, 2 * _HOUR, 5 * _HOUR, 10 * _HOUR, 14 * _HOUR, 20 * _HOUR, 24 * _HOUR)
# Each delay is up to a fifth shorter or longer, so that what failed together does not come back together.
_JITTER = 0.2


def delay_after(attempts: int, schedule: Sequence[float] | None, chance: float) -> float | None:
    """Return the seconds until the next try; None if there is none.

    Args:
        attempts: tries so far, the one that has just failed included.
        schedule: seconds before each retry; None for the default.
        chance: a random number from 0 to 1.
    """
    delays = DEFAULT if schedule is None else schedule
    if attempts > len(delays):
        return None
    return delays[attempts - 1] * (1 + _JITTER * (2 * chance - 1))
