"""Updates the metrics that are sampled: the spool, the queue, the log and the file descriptors."""

import asyncio
import errno
import os
from collections.abc import Callable
from datetime import datetime

import structlog

from receiver.keeping.keeper import Keeper
from receiver.metrics import ReceiverMetrics
from runtime.log_lines import lost_lines

# Seconds between samples: about a scrape interval, and rare enough to cost nothing.
LOOK_SECONDS = 5.0

_log = structlog.get_logger(__name__)


async def show_keeper(keeper: Keeper, metrics: ReceiverMetrics, clock: Callable[[], datetime]) -> None:
    """Sample the keeper's state and the lost log lines periodically, until canceled."""
    while True:
        try:
            state = await asyncio.to_thread(keeper.state)
            metrics.spool_holds(state.spool, clock())
            metrics.queue_trusted(state.is_queue_trusted)
            if not _has_descriptors():
                # The system closes connections that it has no descriptor for before anybody sees them.
                metrics.crowded_out()
                _log.error("descriptors_exhausted", remedy="raise the limit of open files (ulimit -n)")
        except Exception as error:  # noqa: BLE001 - a metric must not end the receiver, nor the next sample
            _log.warning("figures_failed", exc_info=error)
        metrics.log_lines_lost(lost_lines.since_last())
        await asyncio.sleep(LOOK_SECONDS)


def _has_descriptors() -> bool:
    try:
        os.close(os.open(os.devnull, os.O_RDONLY))
    except OSError as error:
        return error.errno not in {errno.EMFILE, errno.ENFILE}
    return True
