"""`python -m receiver`: accepts webhooks over HTTP and makes them durable."""

import argparse
import os
import socket
import sys

import structlog

from receiver.app import create_app
from receiver.connections import Connections, Limits
from receiver.keeping.durable import Durable
from receiver.metrics import ReceiverMetrics
from receiver.serving import Breakdown, ListenError, listen, serve
from receiver.settings import ReceiverSettings
from runtime.environment import SettingError, read_environment
from runtime.figures import serve_figures, warn_of_moved_figures
from runtime.logs import set_up_logging
from runtime.outgoing.unusable import warn_of
from runtime.siblings import Siblings, stop_with

_log = structlog.get_logger(__name__)


def main() -> int:
    """Run a receiver until SIGTERM or SIGINT. Returns the exit status."""
    parser = argparse.ArgumentParser(prog="python -m receiver", description=__doc__)
    parser.add_argument("--processes", type=int, default=1, help="processes that share the port (default: 1)")
    # Passed by a parent of several processes: the socket, and a pipe that closes when the parent dies.
    parser.add_argument("--listener", type=int, help=argparse.SUPPRESS)
    parser.add_argument("--lifeline", type=int, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.processes < 1:
        parser.error("--processes takes a number from 1 on")
    set_up_logging()
    try:
        environment = read_environment()
        settings = ReceiverSettings.from_environment(environment)
        settings.var_folder.secure()
        if arguments.lifeline is not None:
            stop_with(arguments.lifeline)
            return _serve(settings, socket.socket(fileno=arguments.listener))
        warn_of_moved_figures(environment)
        listener = listen(settings.host, settings.port)
    except (SettingError, ListenError) as error:
        sys.stderr.write(f"{error}\n")
        return 2
    # Not fatal: keys may be pinned or stored, and the file may appear later.
    warn_of(settings.way_out.problems())
    if arguments.processes > 1:
        return _siblings(settings, listener).run(arguments.processes)
    return _serve(settings, listener)


def _siblings(settings: ReceiverSettings, listener: socket.socket) -> Siblings:
    return Siblings(
        module="receiver",
        arguments=["--listener", str(listener.fileno())],
        inherited=[listener.fileno()],
        folder=settings.var_folder.path,
        serve=lambda registry: serve_figures(registry, settings.metrics_host, settings.metrics_port),
        died=lambda pid, status: _log.error("receiver_process_died", pid=pid, status=status),
        # Otherwise the kernel would keep accepting connections that are never answered.
        stopping=listener.close,
    )


def _serve(settings: ReceiverSettings, listener: socket.socket) -> int:
    metrics = ReceiverMetrics()
    if "PROMETHEUS_MULTIPROC_DIR" not in os.environ:
        serve_figures(metrics.registry, settings.metrics_host, settings.metrics_port)
    keeper = Durable(settings.broker_url, settings.var_folder.spool)
    limits = Limits(bodies_bytes=settings.max_bodies_bytes)
    connections = Connections(limits, refused=metrics.refused, crowded_out=metrics.crowded_out)
    breakdown = Breakdown()
    app = create_app(settings, keeper=keeper, metrics=metrics, broken=breakdown)
    status = serve(app, listener, connections)
    return breakdown.status if breakdown.has_happened else status


if __name__ == "__main__":
    sys.exit(main())
