"""`python -m clock`: does what is due by the clock."""

import argparse
import os
import sys

import structlog

from clock.cleaning import cleaning
from clock.comparing import comparing
from clock.job import Job
from clock.metrics import ClockMetrics
from clock.process import Clock
from clock.reconciling import Reconciler, not_asking, reconciling
from clock.settings import ClockSettings
from runtime.environment import SettingError, read_environment
from runtime.figures import serve_figures
from runtime.logs import set_up_logging
from runtime.outgoing.unusable import warn_of
from runtime.signals import stop_on_signal

# Seconds between checks that the thread is alive.
_LOOK_INTERVAL = 1.0
_BROKEN = 1

_log = structlog.get_logger(__name__)


def main() -> int:
    """Do what is due until SIGTERM or SIGINT. Returns the exit status."""
    argparse.ArgumentParser(prog="python -m clock", description=__doc__).parse_args()
    set_up_logging()
    try:
        settings = ClockSettings.from_environment(read_environment())
    except SettingError as error:
        sys.stderr.write(f"{error}\n")
        return 2
    if settings.vendor.credentials:
        warn_of(settings.vendor.way_out.problems())
    metrics = ClockMetrics()
    serve_figures(metrics.registry, settings.host, settings.metrics_port)
    stop = stop_on_signal()
    clocks = [
        Clock(settings.database_url, jobs, metrics, stop)
        for jobs in ([cleaning(settings.messages_keep, metrics), comparing(metrics)], [asking_job(settings, metrics)])
    ]
    for clock in clocks:
        clock.start()
    _log.info("clock_started")
    while not stop.wait(_LOOK_INTERVAL):
        if not all(clock.is_whole() for clock in clocks):
            # Without its threads it would only look alive.
            _log.critical("clock_thread_died")
            os._exit(_BROKEN)
    in_time = all([clock.stop() for clock in clocks])  # noqa: C419 - each is to stop
    _log.info("clock_stopped", in_time=in_time)
    if not in_time:
        os._exit(0)
    return 0


def asking_job(settings: ClockSettings, metrics: ClockMetrics) -> Job:
    """Return the job that asks the vendor's API; without credentials, one that says that nobody asks."""
    if not settings.vendor.credentials or not settings.reconcile_every:
        return not_asking()
    reconciler = Reconciler(
        settings.vendor,
        settings.database_url,
        settings.broker_url,
        settings.reconcile_every,
        settings.settle_after,
        metrics,
    )
    return reconciling(reconciler)


if __name__ == "__main__":
    sys.exit(main())
