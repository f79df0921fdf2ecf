"""A process's metrics for Prometheus: served on a separate port, and summed over several processes."""

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
    """Serve the metrics from a thread until the process ends. If the port is taken, log a warning and carry on."""
    try:
        start_metrics_server(registry, host, port)
    except OSError as error:
        remedy = "set METRICS_PORT so that this process gets a free port (docs/operations.md lists them)"
        _log.warning("metrics_port_taken", port=port, error=error.strerror, remedy=remedy)


def warn_of_moved_figures(environment: Mapping[str, str]) -> None:
    """Warn if an operator may expect the metrics on `HOST`, where earlier versions served them.

    Raises:
        SettingError: `HOST` is not an address.
    """
    host = HOST.of(environment)
    if not is_loopback(host) and METRICS_HOST.name not in environment:
        _log.warning(
            "metrics_not_on_host",
            host=host,
            remedy="metrics are served on 127.0.0.1 only; to scrape them from another machine, set METRICS_HOST",
        )


class FiguresOfAll(MultiProcessCollector):
    """The metrics of several processes, summed.

    A process killed between creating its file and writing to it leaves an empty file behind. The library itself would
    fail the whole scrape over it (prometheus/client_python, issue 1199).
    """

    def collect(self) -> Iterable[Metric]:
        """Return the current metrics."""
        written = [str(file) for file in Path(self._path).glob("*.db") if _size(file)]
        return cast("Iterable[Metric]", self.merge(written))  # type: ignore[no-untyped-call]


def _size(file: Path) -> int:
    try:
        return file.stat().st_size
    except FileNotFoundError:  # its process has just ended
        return 0
