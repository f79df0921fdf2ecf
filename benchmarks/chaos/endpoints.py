"""Endpoints that outgoing webhooks go to: they note what came, and fail, hang, cut off or answer late when asked to."""

import random
import threading
import time
from contextlib import ExitStack
from dataclasses import dataclass
from enum import Enum, auto
from types import TracebackType
from typing import Any, Self

import psycopg

from automations.managing.adding import NewEndpoint, add_endpoint
from automations.secrets import Keyring, new_secret
from tests.automations.sending.receiving import Receiving, Reply, Request, cut_off, receiving
from workers.rules.messages import Order

# Seconds before each retry, and their number: more than any fault lasts.
_SCHEDULE = (1.0,) * 120
# Late answers come after so many seconds, the last of them when nobody listens any more.
_EARLIEST, _LATEST = 0.5, 18.0
_HANGS = 20.0
# Not all types: posting is what this machine is there for.
_ENDPOINTS = (
    ("/as-they-come", Order.NONE, ("participant.left", "recording.*")),
    ("/in-order", Order.SESSION, ("session.*", "recording.*")),
)


class Mood(Enum):
    """What an endpoint does with a message."""

    GOOD = auto()
    FAILS = auto()
    HANGS = auto()
    CUTS_OFF = auto()
    LATE = auto()


@dataclass(frozen=True, slots=True)
class Arrival:
    """A message that came.

    Attributes:
        endpoint: its id.
        message: its id.
        at: when, by the monotonic clock.
        accepted_at: when a 2xx left, by the same; None where none did.
    """

    endpoint: str
    message: str
    at: float
    accepted_at: float | None


class Endpoints:
    """Two endpoints: one that takes messages as they come, one that wants those of a session in order.

    Attributes:
        arrivals: all that came.
        moods: what each does now, by its id.
        ordered: the id of the second.
    """

    def __init__(self) -> None:
        self.arrivals: list[Arrival] = []
        self.moods: dict[str, Mood] = {}
        self.ordered = ""
        self._ending = ExitStack()
        self._server: Receiving
        self._good = threading.Event()

    def __enter__(self) -> Self:
        self._server = self._ending.enter_context(receiving())
        self._good.set()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._good.set()
        self._ending.close()

    def add_to(self, connection: psycopg.Connection[Any], keyring: Keyring) -> None:
        """Add them to a database that has none."""
        for path, order, types in _ENDPOINTS:
            new = NewEndpoint(
                name=path, url=f"{self._server.url}{path}", types=types, order_by=order, schedule=_SCHEDULE
            )
            endpoint = add_endpoint(connection, new, keyring.encrypt(new_secret()))
            self.moods[endpoint] = Mood.GOOD
            self._server.answering[path] = self._answering(endpoint)
            if order is Order.SESSION:
                self.ordered = endpoint

    def turn(self, endpoint: str, mood: Mood) -> None:
        """Let an endpoint do something else from now on."""
        self.moods[endpoint] = mood
        if any(mood is Mood.HANGS for mood in self.moods.values()):
            self._good.clear()
        else:
            self._good.set()

    def _answering(self, endpoint: str) -> Any:
        def answer(request: Request) -> Reply:
            came, mood = time.monotonic(), self.moods[endpoint]
            if mood is Mood.LATE:
                time.sleep(random.uniform(_EARLIEST, _LATEST))
            is_good = mood in {Mood.GOOD, Mood.LATE}
            accepted_at = time.monotonic() if is_good else None
            self.arrivals.append(Arrival(endpoint, request.id, came, accepted_at))
            match mood:
                case Mood.FAILS:
                    return Reply(status=500)
                case Mood.HANGS:
                    return Reply(act=lambda _: self._hang())
                case Mood.CUTS_OFF:
                    return Reply(act=cut_off)
                case _:
                    return Reply()

        return answer

    def _hang(self) -> None:
        self._good.wait(_HANGS)
