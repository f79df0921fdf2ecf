"""Serves a process's figures to Prometheus."""

import threading
from typing import cast
from wsgiref.simple_server import WSGIRequestHandler

from prometheus_client import CollectorRegistry, make_wsgi_app
from prometheus_client.exposition import ThreadingWSGIServer

from runtime.listening import listen


def start_metrics_server(registry: CollectorRegistry, host: str, port: int) -> None:
    """Serve the figures from a thread until the process ends.

    The library's own server leaves it to the system whether `::` takes IPv4 too.

    Raises:
        OSError: the port is taken, or the host is none of this machine's.
    """
    server = _Server((host, port), _SilentHandler)
    server.set_app(make_wsgi_app(registry))
    threading.Thread(target=server.serve_forever, name="metrics", daemon=True).start()


class _Server(ThreadingWSGIServer):
    def server_bind(self) -> None:
        host, port = cast("tuple[str, int]", self.server_address)
        self.socket.close()
        self.socket = listen(host, port)
        self.server_name, self.server_port = host, port
        self.setup_environ()

    def server_activate(self) -> None:
        """Do nothing: it listens already."""


class _SilentHandler(WSGIRequestHandler):
    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the library's name
        """Say nothing of a scrape."""
