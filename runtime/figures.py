"""A process's figures for Prometheus: served on a port beside the process, and added up over several processes."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import cast

import structlog
from prometheus_client import CollectorRegistry, Metric
from prometheus_client.multiprocess import MultiProcessCollector

from runtime.listening import is_loopback
from runtime.metrics_server import start_metrics_server
from runtime.settings import HOST, METRICS_HOST

_log = structlog.get_logger(__name__)


def serve_figures(registry: CollectorRegistry, host: str, port: int) -> None:
    """Serve the figures from a thread until the process ends. A port that is taken is a warning, not an end."""
    try:
        start_metrics_server(registry, host, port)
    except OSError as error:
        remedy = "set METRICS_PORT so that this process's port is free (docs/operations.md lists them)"
        _log.warning("metrics_port_taken", port=port, error=error.strerror, remedy=remedy)


def warn_of_moved_figures(environment: Mapping[str, str]) -> None:
    """Warn where an operator may look for the figures on `HOST`, where earlier versions served them.

    Raises:
        SettingError: `HOST` is no address.
    """
    host = HOST.of(environment)
    if not is_loopback(host) and METRICS_HOST.name not in environment:
        _log.warning(
            "metrics_not_on_host",
            host=host,
            remedy="figures are served on 127.0.0.1 alone; to scrape them from elsewhere, set METRICS_HOST",
        )


class FiguresOfAll(MultiProcessCollector):
    """The figures of several processes, added up.

    A file that its process has made and not yet written holds none, and stays behind when that process is killed in
    between. As it comes, the library fails the whole look over it (prometheus/client_python, issue 1199).
    """

    def collect(self) -> Iterable[Metric]:
        """Return the figures as they are now."""
        written = [str(file) for file in Path(self._path).glob("*.db") if _size(file)]
        return cast("Iterable[Metric]", self.merge(written))  # type: ignore[no-untyped-call]


def _size(file: Path) -> int:
    try:
        return file.stat().st_size
    except FileNotFoundError:  # its process has ended meanwhile
        return 0
