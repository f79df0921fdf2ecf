"""The metrics port answers scrapes, whatever else connects to it."""

import http.client
import socket
import threading
from collections.abc import Iterator

import pytest
import structlog
from prometheus_client import CollectorRegistry, Counter

from runtime.figures import warn_of_moved_figures
from runtime.metrics_server import start_metrics_server
from runtime.settings import METRICS_HOST
from tests.processes import free_port


@pytest.fixture
def port() -> int:
    registry = CollectorRegistry()
    Counter("seen", "What was seen.", registry=registry).inc(7)
    Counter("other", "Something else.", registry=registry)
    port = free_port()
    start_metrics_server(registry, "127.0.0.1", port)
    return port


def ask(port: int, target: str = "/metrics", method: str = "GET", **headers: str) -> tuple[int, str, bytes]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
    connection.request(method, target, headers={name.replace("_", "-"): value for name, value in headers.items()})
    answer = connection.getresponse()
    content = answer.read()
    connection.close()
    return answer.status, answer.headers["content-type"] or "", content


def test_it_answers_in_the_form_that_is_asked_for(port: int) -> None:
    status, kind, content = ask(port)
    assert (status, kind.partition(";")[0]) == (200, "text/plain")
    assert b"seen_total 7.0" in content
    _, kind, content = ask(port, accept="application/openmetrics-text; version=1.0.0")
    assert kind.startswith("application/openmetrics-text")
    assert content.endswith(b"# EOF\n")
    _, _, content = ask(port, "/metrics?name%5B%5D=seen_total")
    assert b"seen_total" in content
    assert b"other" not in content
    assert ask(port, method="HEAD")[2] == b""


def test_any_number_of_idle_connections_costs_no_thread_and_no_scrape(port: int) -> None:
    threads = threading.active_count()
    idle = [socket.create_connection(("127.0.0.1", port)) for _ in range(300)]
    try:
        for place, connection in enumerate(idle):
            if place % 3:
                connection.send(b"GET /met")
        assert b"seen_total 7.0" in ask(port)[2]
        assert threading.active_count() == threads
        idle[0].settimeout(20)
        assert idle[0].recv(1) == b""
    except ConnectionResetError:  # it has made room for others
        pass
    finally:
        for connection in idle:
            connection.close()


@pytest.mark.parametrize(
    "nonsense", [b"\r\n\r\n", b"\xff\x00\r\n\r\n", b"GET\r\n\r\n", b"GET //[ HTTP/1.1\r\n\r\n", b"x" * 100_000]
)
def test_nonsense_does_not_end_it(port: int, nonsense: bytes) -> None:
    with socket.create_connection(("127.0.0.1", port)) as connection:
        connection.sendall(nonsense)
    assert ask(port)[0] == 200


@pytest.fixture
def warnings() -> Iterator[list[structlog.typing.EventDict]]:
    with structlog.testing.capture_logs() as lines:
        yield lines


@pytest.mark.parametrize(
    ("environment", "metrics_host", "is_warned"),
    [
        ({}, "127.0.0.1", False),
        ({"HOST": "127.0.0.2"}, "127.0.0.1", False),
        ({"HOST": "localhost"}, "127.0.0.1", False),
        ({"HOST": "[::1]"}, "127.0.0.1", False),
        ({"HOST": "0.0.0.0"}, "127.0.0.1", True),
        ({"HOST": "::"}, "127.0.0.1", True),
        ({"HOST": "receiver.internal"}, "127.0.0.1", True),
        ({"HOST": "0.0.0.0", "METRICS_HOST": "127.0.0.1"}, "127.0.0.1", False),
        ({"HOST": "0.0.0.0", "METRICS_HOST": "0.0.0.0"}, "0.0.0.0", False),
    ],
)
def test_figures_stay_on_this_machine_unless_told_and_who_served_them_elsewhere_is_warned(
    environment: dict[str, str], metrics_host: str, warnings: list[structlog.typing.EventDict], *, is_warned: bool
) -> None:
    assert METRICS_HOST.of(environment) == metrics_host
    warn_of_moved_figures(environment)
    assert [line["event"] for line in warnings] == ["metrics_not_on_host"] * is_warned
