"""Shows in the metrics what is looked at from time to time: the spool, the queue and the log."""

import asyncio
from collections.abc import Callable
from datetime import datetime

import structlog

from receiver.keeping.keeper import Keeper
from receiver.metrics import ReceiverMetrics
from runtime.log_lines import lost_lines

# Seconds between looks: as often as figures are usually read, and rare enough to cost nothing.
LOOK_SECONDS = 5.0

_log = structlog.get_logger(__name__)


async def show_keeper(keeper: Keeper, metrics: ReceiverMetrics, clock: Callable[[], datetime]) -> None:
    """Look at the keeper's state, and at what the log has lost, from time to time, until cancelled."""
    while True:
        try:
            state = await asyncio.to_thread(keeper.state)
            metrics.spool_holds(state.spool, clock())
            metrics.queue_trusted(state.is_queue_trusted)
        except Exception as error:  # noqa: BLE001 - a figure is not worth a receiver, and the next look must come
            _log.warning("figures_failed", exc_info=error)
        metrics.log_lines_lost(lost_lines.since_last())
        await asyncio.sleep(LOOK_SECONDS)
