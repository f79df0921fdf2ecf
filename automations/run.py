"""The main thread of `automations`: starts its two parts, watches them, and stops them on a signal."""

import asyncio
import os
import threading
from collections.abc import Callable
from typing import Protocol

import structlog
import uvloop

from automations.sending.sender import Sender
from runtime.deadlines import deadlines
from runtime.signals import stop_on_signal

# Seconds between checks that the parts are alive.
_LOOK_INTERVAL = 0.5
# Seconds that a stop may take: an attempt and what is then written. What is not written by then is sent again later.
_STOP_SECONDS = 22.0
_BROKEN = 1

_log = structlog.get_logger(__name__)


class Announces(Protocol):
    """Turns marks into messages."""

    def run(self, stopping: threading.Event) -> None:
        """Announce until `stopping`."""


def run_until_stopped(announcer: Announces, sender: Sender) -> int:
    """Announce and send until SIGTERM or SIGINT, or until one of the two has ended. Returns the exit status."""
    stop = stop_on_signal()
    parts = [
        _part("announcing", lambda: announcer.run(stop)),
        _part("sending", lambda: _send(sender, stop)),
    ]
    for part in parts:
        part.start()
    _log.info("automations_started")
    while not stop.wait(_LOOK_INTERVAL):
        ended = [part.name for part in parts if not part.is_alive()]
        if ended or not deadlines.is_alive():
            # Half of the process would look like the whole.
            _log.critical("automations_part_died", parts=ended)
            os._exit(_BROKEN)
    for part in parts:
        part.join(_STOP_SECONDS)
    in_time = not any(part.is_alive() for part in parts)
    _log.info("automations_stopped", in_time=in_time)
    if not in_time:
        os._exit(0)
    return 0


def _part(name: str, run: Callable[[], None]) -> threading.Thread:
    def watched() -> None:
        try:
            run()
        except BaseException as error:
            _log.critical("automations_part_failed", part=name, exc_info=error)
            raise

    return threading.Thread(target=watched, name=name, daemon=True)


def _send(sender: Sender, stop: threading.Event) -> None:
    async def send() -> None:
        stopping = asyncio.Event()
        loop = asyncio.get_running_loop()

        def wait() -> None:
            stop.wait()
            loop.call_soon_threadsafe(stopping.set)

        threading.Thread(target=wait, name="stop sending", daemon=True).start()
        await sender.run(stopping)

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(send())
