"""The metrics of the console for Prometheus."""

import time

from prometheus_client import CollectorRegistry, Counter, Histogram
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from runtime.log_lines import lost_lines

_BUCKETS = (0.01, 0.025, 0.05, 0.1, 0.15, 0.3, 0.5, 1, 2.5, 10)


class ConsoleMetrics:
    """The metrics of one process, in a separate registry."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.requests = Counter(
            "rollcall_console_requests", "Requests answered, by the status of the answer.", ["code"],
            registry=self.registry,
        )  # fmt: skip
        self.seconds = Histogram(
            "rollcall_console_seconds", "Seconds from a request to the end of its answer.", buckets=_BUCKETS,
            registry=self.registry,
        )  # fmt: skip
        self._log_lines_lost = Counter(
            "rollcall_console_log_lines_lost",
            "Log lines that could not be written. Not 0: the disk is full or the reader of stderr is gone.",
            registry=self.registry,
        )

    def answered(self, status: int, seconds: float) -> None:
        """Count an answer."""
        self.requests.labels(str(status)).inc()
        self.seconds.observe(seconds)
        self._log_lines_lost.inc(lost_lines.since_last())


class Measured:
    """Counts what an application answers."""

    def __init__(self, app: ASGIApp, metrics: ConsoleMetrics) -> None:
        self._app = app
        self._metrics = metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer, and count it."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        began = time.perf_counter()
        status = 500

        async def counting(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        try:
            await self._app(scope, receive, counting)
        finally:
            self._metrics.answered(status, time.perf_counter() - began)
