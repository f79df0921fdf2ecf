"""Shows in the metrics what waits in the spool, and whether the queue is trusted."""

import asyncio
from collections.abc import Callable
from datetime import datetime

from receiver.keeping.keeper import Keeper
from receiver.metrics import ReceiverMetrics

# Seconds between looks: as often as figures are usually read, and rare enough to cost nothing.
LOOK_SECONDS = 5.0


async def show_keeper(keeper: Keeper, metrics: ReceiverMetrics, clock: Callable[[], datetime]) -> None:
    """Look at the keeper's state from time to time, until cancelled."""
    while True:
        state = await asyncio.to_thread(keeper.state)
        metrics.spool_holds(state.spool, clock())
        metrics.queue_trusted(state.is_queue_trusted)
        await asyncio.sleep(LOOK_SECONDS)
