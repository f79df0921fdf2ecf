"""The main thread of a worker process: starts it, watches it, stops it on a signal."""

import gc
import os

import structlog

from runtime.signals import stop_on_signal
from workers.running.worker import WorkerProcess

# How often the main thread looks whether the worker is whole, in seconds.
_LOOK_INTERVAL = 1.0
# Threads that hang on a server which does not answer must not hold up the exit: nothing of theirs is acknowledged.
_BROKEN = 1
# Objects more than were let go of, before the garbage collector looks for cycles; Python's default is 700.
_COLLECT_AFTER = 20_000

_log = structlog.get_logger(__name__)


def run_until_stopped(worker: WorkerProcess) -> int:
    """Run a worker until SIGTERM or SIGINT, or until one of its threads has died. Returns the exit status."""
    stop = stop_on_signal()
    worker.start()
    # What is here now stays, and a batch leaves next to nothing behind in cycles: look for garbage rarely.
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
