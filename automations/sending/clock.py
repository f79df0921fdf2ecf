"""The clock that due times are compared with. Tests set it ahead; otherwise it is the system's."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from random import random


@dataclass(slots=True)
class Clock:
    """The time, and chance.

    Attributes:
        ahead: how far it is ahead of the system's clock and of the database's.
        chance: returns a number from 0 to 1, for the jitter of retries.
    """

    ahead: timedelta = timedelta(0)
    chance: Callable[[], float] = random

    def now(self) -> datetime:
        """Return the time, UTC."""
        return datetime.now(UTC) + self.ahead
