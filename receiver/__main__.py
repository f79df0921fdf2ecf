"""`python -m receiver`: takes webhooks over HTTP and makes them durable."""

import argparse
import os
import socket
import sys

import structlog

from receiver.app import create_app
from receiver.connections import Connections, Limits
from receiver.keeping.durable import Durable
from receiver.metrics import ReceiverMetrics, serve_metrics
from receiver.processes import run_processes
from receiver.serving import Breakdown, ListenError, listen, serve, stop_with
from receiver.settings import ReceiverSettings
from runtime.environment import SettingError, read_environment
from runtime.logs import set_up_logging
from runtime.metrics_server import warn_of_moved_metrics

_log = structlog.get_logger(__name__)


def main() -> int:
    """Run a receiver until SIGTERM or SIGINT. Returns the exit status."""
    parser = argparse.ArgumentParser(prog="python -m receiver", description=__doc__)
    parser.add_argument("--processes", type=int, default=1, help="processes that share the port (default: 1)")
    # What a parent of several processes hands down: the socket, and the pipe that tells of its end.
    parser.add_argument("--inherit", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.processes < 1:
        parser.error("--processes takes a number from 1 on")
    set_up_logging()
    try:
        environment = read_environment()
        settings = ReceiverSettings.from_environment(environment)
        if arguments.inherit:
            listener_number, lifeline = map(int, arguments.inherit.split(","))
            stop_with(lifeline)
            return _serve(settings, socket.socket(fileno=listener_number))
        warn_of_moved_metrics(environment)
        listener = listen(settings.host, settings.port)
    except (SettingError, ListenError) as error:
        sys.stderr.write(f"{error}\n")
        return 2
    for unusable in settings.way_out.problems():
        # Not the end: keys may be pinned or kept, and a file may still come.
        _log.warning("variable_unusable", variable=unusable.variable, problem=unusable.problem)
    if arguments.processes > 1:
        return run_processes(arguments.processes, settings, listener)
    return _serve(settings, listener)


def _serve(settings: ReceiverSettings, listener: socket.socket) -> int:
    metrics = ReceiverMetrics()
    if "PROMETHEUS_MULTIPROC_DIR" not in os.environ:
        serve_metrics(metrics.registry, settings.metrics_host, settings.metrics_port)
    keeper = Durable(settings.broker_url, settings.spool_dir)
    limits = Limits(bodies_bytes=settings.max_bodies_bytes)
    connections = Connections(limits, refused=metrics.refused, crowded_out=metrics.crowded_out)
    breakdown = Breakdown()
    app = create_app(settings, keeper=keeper, metrics=metrics, broken=breakdown)
    status = serve(app, listener, connections)
    return breakdown.status if breakdown.has_happened else status


if __name__ == "__main__":
    sys.exit(main())
