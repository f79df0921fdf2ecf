"""Ends the process when a vital part has died: it would only look alive."""

import asyncio
from collections.abc import Callable, Iterable

import structlog

LOOK_SECONDS = 1.0

_log = structlog.get_logger(__name__)


async def watch_parts(dead_parts: Callable[[], Iterable[str]], broken: Callable[[], None]) -> None:
    """Check all parts periodically; once one has died, log it and call `broken`.

    Args:
        dead_parts: returns the names of parts that have died.
        broken: ends the process.
    """
    while not (dead := sorted(dead_parts())):  # noqa: ASYNC110 - they have no event to wait for
        await asyncio.sleep(LOOK_SECONDS)
    _log.critical("receiver_part_died", parts=dead)
    broken()
