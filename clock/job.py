"""Something to be done again and again."""

import threading
from collections.abc import Callable
from dataclasses import dataclass

from runtime.session import Session


@dataclass(frozen=True, slots=True)
class Job:
    """Something to be done at the start and then after each interval.

    Several processes do it at once, so it must bear that, and be safe to be broken off anywhere.

    Attributes:
        name: as metrics and log have it.
        interval: seconds from one end to the next start.
        work: does it on a connection outside a transaction, in short transactions; returns soon once the event is set.
    """

    name: str
    interval: float
    work: Callable[[Session, threading.Event], None]
