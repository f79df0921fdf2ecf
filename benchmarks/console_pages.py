"""`console`: how fast each page and filter of the web console answers, on years of data.

The real process on loopback, asked over HTTP by somebody who is logged in, one page after the other. The database is
`--database-url`, which is filled first if it is empty; without one, it is one of the benchmarks' own with
`--console-sessions` sessions (330,000 have ten million deliveries), which is kept. A page's first answer is not
counted: it loads code and templates, and for `/usage` it waits until all days are counted, which are then kept.
"""

import http.client
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from statistics import quantiles
from urllib.parse import urlencode

import psycopg

from automations.secrets_key import new_key
from benchmarks.console_asks import Ask, Questions
from benchmarks.effort import Effort, Line
from benchmarks.ground import Ground
from benchmarks.processes import Processes, free_port, processes
from console.pages.entrance.password import hash_of

_PASSWORD = "a password of the benchmark"
_START_SECONDS = 60.0
_DRAWS = 20
_PASSES = 2
_LEAST = 20
_BEING_COUNTED = b"still being counted"


class Visitor:
    """Somebody who is logged in, on a connection that is kept."""

    def __init__(self, port: int) -> None:
        """Log in.

        Args:
            port: the console's, on loopback.
        """
        self._port = port
        self._connection = self._connect()
        origin = f"http://127.0.0.1:{port}"
        headers = {"origin": origin, "content-type": "application/x-www-form-urlencoded"}
        self._connection.request("POST", "/login", urlencode({"password": _PASSWORD}), headers)
        answer = self._connection.getresponse()
        answer.read()
        cookie = answer.getheader("set-cookie")
        if answer.status != http.HTTPStatus.SEE_OTHER or cookie is None:
            raise RuntimeError(f"The console lets nobody in: {answer.status}")
        self._headers = {"cookie": cookie.partition(";")[0], "accept-encoding": "identity"}

    def get(self, path: str) -> tuple[float, int]:
        """Return the milliseconds until the whole page was there, and its bytes."""
        took, body = self.look(path)
        return took, len(body)

    def look(self, path: str) -> tuple[float, bytes]:
        """Return the milliseconds until the whole page was there, and the page."""
        began = time.perf_counter()
        self._connection.request("GET", path, headers=self._headers)
        answer = self._connection.getresponse()
        body = answer.read()
        if answer.status == http.HTTPStatus.SERVICE_UNAVAILABLE:  # it closes the connection, too
            self._connection = self._connect()
        took = (time.perf_counter() - began) * 1000
        # The console gives up on what takes the database too long: so long it took.
        if answer.status not in {http.HTTPStatus.OK, http.HTTPStatus.SEE_OTHER, http.HTTPStatus.SERVICE_UNAVAILABLE}:
            raise RuntimeError(f"{path}: {answer.status}\n{body.decode()[:2000]}")
        return took, body

    def _connect(self) -> http.client.HTTPConnection:
        return http.client.HTTPConnection("127.0.0.1", self._port, timeout=60)


@contextmanager
def running_console(database_url: str) -> Iterator[tuple[int, Processes]]:
    """Run the console on a database; yields its port and the processes, of which it is `console`."""
    port = free_port()
    settings = {
        "DATABASE_URL": database_url,
        "SECRETS_KEY": new_key(),
        "CONSOLE_PORT": str(port),
        "CONSOLE_PASSWORD_HASH": str(hash_of(_PASSWORD)),
        "VAR_DIR": "var",
    }
    with processes(settings) as started:
        started.start("console", [sys.executable, "-m", "console"])
        _wait_until_open(started, port)
        yield port, started


def measure(ground: Ground, effort: Effort) -> Iterator[Line]:
    """Measure every page and filter."""
    url = ground.filled(effort.database_url, effort.console_sessions)
    with psycopg.connect(url, autocommit=True) as connection, running_console(url) as (port, _):
        visitor = Visitor(port)
        lines = [_line(visitor, ask) for ask in Questions(connection, _DRAWS).all() if ask.paths]
    yield from lines
    missed = [f"{line['page']} {line['what']}".strip() for line in lines if line["verdict"] == "missed"]
    yield {"benchmark": "console", "page": "all", "asked": len(lines), "missed": ", ".join(missed) or "none"}


def _line(visitor: Visitor, ask: Ask) -> Line:
    _, body = visitor.look(ask.paths[0])
    while _BEING_COUNTED in body:
        time.sleep(1)
        _, body = visitor.look(ask.paths[0])
    times = max(_PASSES, -(-_LEAST // len(ask.paths)))
    answers = [visitor.get(path) for _ in range(times) for path in ask.paths]
    took = [one for one, _ in answers]
    cuts = quantiles(took, n=20, method="inclusive")
    largest = max(size for _, size in answers)
    holds = (ask.most_ms is None or cuts[18] <= ask.most_ms) and (ask.most_bytes is None or largest <= ask.most_bytes)
    return {
        "benchmark": "console",
        "page": ask.page,
        "what": ask.what,
        "asked": len(answers),
        "p50_ms": round(cuts[9], 1),
        "p95_ms": round(cuts[18], 1),
        "most_ms": ask.most_ms,
        "largest_kb": round(largest / 1000, 1),
        "verdict": "holds" if holds else "missed",
    }


def _wait_until_open(started: Processes, port: int) -> None:
    deadline = time.monotonic() + _START_SECONDS
    while time.monotonic() < deadline and started.are_alive():
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=1)
        try:
            connection.request("GET", "/login")
            connection.getresponse().read()
        except OSError:
            time.sleep(0.05)
        else:
            return
        finally:
            connection.close()
    raise RuntimeError(f"The console did not start:\n{started.complaints()}")
