"""`python -m workers`: takes groups of deliveries from the queue and settles them in the database."""

import argparse
import sys
from dataclasses import replace

import structlog

from runtime.addresses import is_postgres
from runtime.environment import SettingError, read_environment
from runtime.figures import serve_figures, warn_of_moved_figures
from runtime.liveness import DEAD_AFTER, LEAST_DEAD_AFTER
from runtime.logs import set_up_logging
from runtime.outgoing.unusable import warn_of
from runtime.siblings import Siblings, stop_with
from workers.queue.postgres_listener import NotThroughPoolerError, require_listening
from workers.running.metrics import WorkerMetrics
from workers.running.run import run_until_stopped
from workers.running.worker import create_worker
from workers.settings import WorkerSettings
from workers.settling.settle import settle

_log = structlog.get_logger(__name__)


def main() -> int:
    """Run a worker until SIGTERM or SIGINT. Returns the exit status."""
    parser = argparse.ArgumentParser(prog="python -m workers", description=__doc__)
    parser.add_argument("--threads", type=int, default=16, help="groups that a process holds at once (default: 16)")
    parser.add_argument("--processes", type=int, default=1, help="processes (default: 1)")
    parser.add_argument(
        "--dead-after",
        type=float,
        default=DEAD_AFTER,
        help="seconds of silence after which the queue gives what a worker has in hand to others (default: 20)",
    )
    # The pipe that tells one of several processes of its parent's end.
    parser.add_argument("--lifeline", type=int, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.threads < 1 or arguments.processes < 1:
        parser.error("--threads and --processes take a number from 1 on")
    if arguments.dead_after < LEAST_DEAD_AFTER:
        parser.error(f"--dead-after takes a number from {LEAST_DEAD_AFTER:.0f} on")
    set_up_logging()
    try:
        environment = read_environment()
        settings = replace(WorkerSettings.from_environment(environment), dead_after=arguments.dead_after)
        settings.var_folder.check()
        if arguments.lifeline is None:
            warn_of_moved_figures(environment)
            if is_postgres(settings.broker_url):
                require_listening(settings.broker_url)
    except (SettingError, NotThroughPoolerError) as error:
        sys.stderr.write(f"{error}\n")
        return 2
    if arguments.lifeline is None:
        warn_of(settings.certificates.problems())
    if arguments.processes > 1:
        return _siblings(settings, arguments.threads).run(arguments.processes)
    metrics = WorkerMetrics()
    if arguments.lifeline is None:
        serve_figures(metrics.registry, settings.host, settings.metrics_port)
    else:
        stop_with(arguments.lifeline)
    return run_until_stopped(create_worker(settings, settle, arguments.threads, metrics))


def _siblings(settings: WorkerSettings, threads: int) -> Siblings:
    return Siblings(
        module="workers",
        arguments=["--threads", str(threads), "--dead-after", str(settings.dead_after)],
        folder=settings.var_folder.path,
        serve=lambda registry: serve_figures(registry, settings.host, settings.metrics_port),
        died=lambda pid, status: _log.error("worker_process_died", pid=pid, status=status),
    )


if __name__ == "__main__":
    sys.exit(main())
