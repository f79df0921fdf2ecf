"""A load generator for machines without wrk: same arguments, same figures, a few times the CPU time per request.

python -m benchmarks.own_load PORT FILE CONNECTIONS SECONDS [once]
"""

import argparse
import asyncio
import contextlib
import json
import signal
import statistics
import sys
import time
from pathlib import Path

import uvloop


class Posting:
    """Shared by all connections: the next request, and the results so far."""

    def __init__(self, requests: list[bytes], *, once: bool) -> None:
        self._requests = requests
        self._once = once
        self._next = 0
        self.seconds: list[float] = []
        self.refused = self.broken = 0

    def next_request(self) -> bytes | None:
        """Return the next request; with `once`, None after each has been posted."""
        if self._once and self._next >= len(self._requests):
            return None
        request = self._requests[self._next % len(self._requests)]
        self._next += 1
        return request


class Connection(asyncio.Protocol):
    """One connection: posts, reads the answer, posts again, on a new connection if the answer closes this one."""

    def __init__(self, posting: Posting, port: int) -> None:
        self._posting = posting
        self._port = port
        self._transport: asyncio.Transport | None = None
        self._answer = b""
        self._began = 0.0
        self._is_waiting = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Post the first request."""
        self._transport = transport  # type: ignore[assignment]  # TCP gives a Transport
        self._post()

    def data_received(self, data: bytes) -> None:
        """Receive an answer, or part of one."""
        self._answer += data
        head, blank, body = self._answer.partition(b"\r\n\r\n")
        if not blank:
            return
        names = head.lower()
        length = int(names.partition(b"content-length:")[2].partition(b"\r\n")[0])
        if len(body) < length:
            return
        self._posting.seconds.append(time.perf_counter() - self._began)
        self._posting.refused += head[9:12] != b"200"
        self._is_waiting = False
        if b"connection: close" in names:
            assert self._transport is not None
            self._transport.close()
        else:
            self._post()

    def connection_lost(self, exc: Exception | None) -> None:
        """Continue on a new connection."""
        del exc
        self._posting.broken += self._is_waiting
        loop = asyncio.get_running_loop()
        new = Connection(self._posting, self._port)
        loop.create_task(loop.create_connection(lambda: new, "127.0.0.1", self._port))  # noqa: RUF006 - ends at once

    def _post(self) -> None:
        request = self._posting.next_request()
        if request is None or self._transport is None:
            return
        self._answer, self._is_waiting, self._began = b"", True, time.perf_counter()
        self._transport.write(request)


def read_requests(path: Path) -> list[bytes]:
    """Return the requests of a file, in which each is preceded by its length in eight digits."""
    content, requests, at = path.read_bytes(), [], 0
    while at < len(content):
        end = at + 8 + int(content[at : at + 8])
        requests.append(content[at + 8 : end])
        at = end
    return requests


async def _run(posting: Posting, port: int, connections: int, seconds: int) -> float:
    loop = asyncio.get_running_loop()
    interrupted = asyncio.Event()
    loop.add_signal_handler(signal.SIGINT, interrupted.set)
    began = time.perf_counter()
    for _ in range(connections):
        await loop.create_connection(lambda: Connection(posting, port), "127.0.0.1", port)
    with contextlib.suppress(TimeoutError):
        await asyncio.wait_for(interrupted.wait(), seconds)
    return time.perf_counter() - began


def main() -> None:
    """Post and print the figures as a JSON line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("port", type=int)
    parser.add_argument("requests", type=Path)
    parser.add_argument("connections", type=int)
    parser.add_argument("seconds", type=int)
    parser.add_argument("once", nargs="?", choices=["once"])
    arguments = parser.parse_args()
    posting = Posting(read_requests(arguments.requests), once=arguments.once is not None)
    took = uvloop.run(_run(posting, arguments.port, arguments.connections, arguments.seconds))
    cuts = statistics.quantiles(posting.seconds, n=100) if len(posting.seconds) > 1 else [0.0] * 99
    figures = {"requests": len(posting.seconds), "seconds": took, "refused": posting.refused}
    figures |= {"broken": posting.broken, "p50_ms": cuts[49] * 1000, "p99_ms": cuts[98] * 1000}
    sys.stdout.write(f"{json.dumps(figures)}\n")


if __name__ == "__main__":
    main()
