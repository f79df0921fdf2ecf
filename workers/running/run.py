"""The main thread of a worker process: starts the worker, watches it, and stops it on a signal."""

import gc
import os

import structlog

from runtime.signals import stop_on_signal
from workers.running.worker import WorkerProcess

# Seconds between checks that the worker's threads are alive.
_LOOK_INTERVAL = 1.0
# Threads blocked on an unresponsive server must not delay the exit: they have acknowledged nothing.
_BROKEN = 1
# Net allocations before the garbage collector looks for cycles; Python's default is 700.
_COLLECT_AFTER = 20_000

_log = structlog.get_logger(__name__)


def run_until_stopped(worker: WorkerProcess) -> int:
    """Run a worker until SIGTERM or SIGINT, or until one of its threads has died. Returns the exit status."""
    stop = stop_on_signal()
    worker.start()
    # The current objects are permanent, and a batch leaves almost no cycles: collect rarely.
    gc.collect()
    gc.freeze()
    gc.set_threshold(_COLLECT_AFTER)
    while not stop.wait(_LOOK_INTERVAL):
        if not worker.is_whole():
            _log.critical("worker_thread_died")
            worker.stop()
            os._exit(_BROKEN)
    if not worker.stop():
        os._exit(0)
    return 0
