"""Waits for a condition, with a deadline."""

import time
from collections.abc import Callable

_LOOK_INTERVAL = 0.05


class NeverCameError(Exception):
    """The condition did not hold in time."""


def wait_until(holds: Callable[[], bool], what: str, seconds: float) -> float:
    """Return how many seconds it took until `holds` was true.

    Raises:
        NeverCameError: it was not within `seconds`.
    """
    began = time.monotonic()
    while not holds():
        if time.monotonic() - began > seconds:
            raise NeverCameError(f"In {seconds:.0f} s this did not happen: {what}.")
        time.sleep(_LOOK_INTERVAL)
    return time.monotonic() - began
