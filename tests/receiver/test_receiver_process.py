"""`python -m receiver` as a process: how it starts, stops, and counts."""

import http.client
import json
import os
import signal
import socket
import subprocess
import sys
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey

from tests.authority import Authority
from tests.forward_proxy import ForwardProxy
from tests.processes import free_port
from tests.receiver.key_server import run_key_server
from tests.receiver.running import RunningReceiver, public_pem, read_answer, sign, wait_until

BODY = b'{"event":"meeting.started"}'


class Process:
    """A receiver with a queue that is away: what it keeps goes to its spool."""

    def __init__(
        self, folder: Path, key: RSAPrivateKey, *arguments: str, log: Path | None = None, **variables: str
    ) -> None:
        self.receiver = RunningReceiver(free_port())
        self.metrics_port = free_port()
        environment = {
            "PATH": os.environ["PATH"],
            "PYTHONPATH": str(Path(__file__).parents[2]),
            "BROKER_URL": f"postgresql://127.0.0.1:{free_port()}/away",
            "WEBHOOK_PUBLIC_KEYS": public_pem(key),
            "PORT": str(self.receiver.port),
            "METRICS_PORT": str(self.metrics_port),
            **variables,
        }
        self.log = log or folder / f"log-{self.receiver.port}"
        with self.log.open("wb") as stderr:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "receiver", *arguments], cwd=folder, env=environment, stderr=stderr
            )

    def is_ready(self) -> bool:
        assert self.process.poll() is None, self.log.read_text()
        try:
            return self.receiver.ask("GET", "/readyz").status == 200
        except (OSError, http.client.HTTPException):
            return False

    def figures(self) -> str:
        with urllib.request.urlopen(f"http://127.0.0.1:{self.metrics_port}/metrics", timeout=10) as answer:
            return str(answer.read().decode())


Run = Callable[..., Process]


@pytest.fixture
def run(tmp_path: Path, key: RSAPrivateKey) -> Iterator[Run]:
    with ExitStack() as ending:

        def run_one(*arguments: str, log: Path | None = None, **variables: str) -> Process:
            one = Process(tmp_path, key, *arguments, log=log, **variables)
            ending.callback(one.process.wait)
            ending.callback(one.process.kill)
            return one

        yield run_one


def run_ready(run: Run, *arguments: str, **variables: str) -> Process:
    return ready(run(*arguments, **variables))


def ready(process: Process) -> Process:
    wait_until(process.is_ready, "the receiver is ready")
    return process


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_lets_what_is_under_way_be_kept_and_ends_the_process_with_status_0(
    run: Run, key: RSAPrivateKey, number: signal.Signals
) -> None:
    process = run_ready(run)
    with process.receiver.connect() as connection:
        head = f"POST /webhook HTTP/1.1\r\nhost: x\r\ndyte-signature: {sign(key, BODY)}\r\n"
        connection.sendall(f"{head}expect: 100-continue\r\ncontent-length: {len(BODY)}\r\n\r\n".encode())
        assert connection.recv(100).startswith(b"HTTP/1.1 100"), "the request is under way"
        process.process.send_signal(number)
        wait_until(lambda: not can_connect(process.receiver.port), "the receiver takes no more")
        connection.sendall(BODY)
        answer = read_answer(connection)
    assert (answer.status, answer.headers["connection"]) == (200, "close")
    assert process.process.wait(30) == 0


def can_connect(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port)).close()
    except OSError:
        return False
    return True


def test_a_wrong_setting_ends_the_start_with_one_line(run: Run) -> None:
    process = run(MAX_BODY_BYTES="plenty")
    assert process.process.wait(30) == 2
    [line] = process.log.read_text().splitlines()
    assert line.startswith("MAX_BODY_BYTES takes ")


def test_a_taken_port_ends_the_start_with_one_line(run: Run) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        process = run(PORT=str(taken.getsockname()[1]))
        assert process.process.wait(30) == 2
    [line] = process.log.read_text().splitlines()
    assert "PORT" in line


def test_a_taken_metrics_port_is_a_warning(run: Run, key: RSAPrivateKey) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        process = run_ready(run, METRICS_PORT=str(taken.getsockname()[1]))
        assert process.receiver.post(BODY, dyte_signature=sign(key, BODY)).status == 200
        assert "metrics_port_taken" in process.log.read_text()


def test_the_figures_count_by_provider_and_reason_on_a_port_of_their_own(run: Run, key: RSAPrivateKey) -> None:
    process = run_ready(run)
    assert process.receiver.post(BODY, rtk_signature=sign(key, BODY)).status == 200
    assert process.receiver.post(BODY).status == 401
    figures = process.figures()
    assert 'rollcall_accepted_total{provider="realtimekit"} 1.0' in figures
    assert 'rollcall_refused_total{reason="no_signature"} 1.0' in figures
    assert "rollcall_receiver_group_size_sum 1.0" in figures
    assert process.receiver.ask("GET", "/metrics").status == 404


def test_the_figures_tell_what_waits_in_the_spool(run: Run, key: RSAPrivateKey) -> None:
    process = run_ready(run)
    assert process.receiver.post(BODY, rtk_signature=sign(key, BODY)).status == 200
    wait_until(lambda: "rollcall_spooled_groups 1.0" in process.figures(), "the group in the spool is shown")
    assert "rollcall_queue_trusted " in process.figures()


def test_several_processes_share_the_port_add_up_to_one_set_of_figures_and_end_together(
    run: Run, key: RSAPrivateKey, tmp_path: Path
) -> None:
    process = run_ready(run, "--processes", "2")
    for _ in range(40):
        assert process.receiver.post(BODY, dyte_signature=sign(key, BODY)).status == 200
    assert 'rollcall_accepted_total{provider="dyte"} 40.0' in process.figures()
    process.process.terminate()
    assert process.process.wait(30) == 0
    assert not can_connect(process.receiver.port)
    assert not list((tmp_path / "var").glob("metrics-*"))


def test_a_process_that_dies_is_started_again_and_what_it_counted_stays(run: Run, key: RSAPrivateKey) -> None:
    process = run_ready(run, "--processes", "2")
    assert process.receiver.post(BODY, dyte_signature=sign(key, BODY)).status == 200

    def listening() -> list[int]:
        lines = process.log.read_text().splitlines()
        return [
            int(line.split('"pid": ')[1].split(",")[0].rstrip("}")) for line in lines if "receiver_listening" in line
        ]

    wait_until(lambda: len(listening()) == 2, "both processes listen")
    os.kill(listening()[0], signal.SIGKILL)
    wait_until(lambda: len(listening()) == 3, "another one listens")
    assert process.receiver.post(BODY, dyte_signature=sign(key, BODY)).status == 200
    assert 'rollcall_accepted_total{provider="dyte"} 2.0' in process.figures()


def test_when_the_first_process_is_killed_the_others_end_as_well(run: Run) -> None:
    process = run_ready(run, "--processes", "2")
    process.process.kill()
    wait_until(lambda: not can_connect(process.receiver.port), "nobody listens any more")


@pytest.mark.parametrize("host", ["::", "[::]"])
def test_on_all_addresses_of_ipv6_webhook_and_figures_are_served_on_ipv4_too(run: Run, host: str) -> None:
    process = run_ready(run, HOST=host, METRICS_HOST=host)
    for address in ("127.0.0.1", "[::1]"):
        for port, path in ((process.receiver.port, "readyz"), (process.metrics_port, "metrics")):
            with urllib.request.urlopen(f"http://{address}:{port}/{path}", timeout=10) as answer:
                assert answer.status == 200


PROXY_VARIABLES = {
    "ALL_PROXY": "socks4a://geheim.example:1080",
    "HTTPS_PROXY": "http://geheim:geheim:geheim",
    "https_proxy": "http://[::geheim",
    "NO_PROXY": "fd00::/200,geheim/99",
    "SSL_CERT_FILE": "/geheim/authority.pem",
    "SSL_CERT_DIR": "/geheim",
}


@pytest.mark.parametrize("place", ["environment", ".env"])
@pytest.mark.parametrize("variable", PROXY_VARIABLES)
def test_a_proxy_or_certificate_variable_of_no_use_is_one_warning_and_the_receiver_waits_for_keys(
    run: Run, key: RSAPrivateKey, tmp_path: Path, variable: str, place: str
) -> None:
    variables = {variable: PROXY_VARIABLES[variable]}
    if place == ".env":
        (tmp_path / ".env").write_text("".join(f"{name}={value}\n" for name, value in variables.items()))
        variables = {}
    process = run(WEBHOOK_PUBLIC_KEYS="", WEBHOOK_KEY_URLS="https://a.invalid/,https://b.invalid/", **variables)
    wait_until(lambda: process.log.read_text().count("key_document_silent") == 2, "both documents were asked for")
    wait_until(lambda: can_connect(process.receiver.port), "it listens")
    answer = process.receiver.post(BODY, dyte_signature=sign(key, BODY))
    assert (answer.status, "retry-after" in answer.headers) == (503, True)
    log = process.log.read_text()
    [warning] = [line for line in log.splitlines() if variable in line]
    assert json.loads(warning)["event"] == "variable_unusable"
    assert "geheim" not in log
    process.process.send_signal(signal.SIGTERM)
    assert process.process.wait(30) == 0


@pytest.mark.parametrize("place", ["environment", ".env"])
@pytest.mark.parametrize("scheme", ["http", "socks5h"])
def test_the_keys_are_fetched_through_a_proxy_and_under_an_authority_of_ones_own(
    run: Run, key: RSAPrivateKey, tmp_path: Path, scheme: str, place: str
) -> None:
    authority = Authority(tmp_path)
    with (
        run_key_server(authority.server_context("keys.invalid")) as document,
        ForwardProxy(document.port, "user", "secret") as proxy,
    ):
        document.serve_key(public_pem(key))
        variables = {
            "ALL_PROXY": f"{scheme}://user:secret@127.0.0.1:{proxy.port}",
            "NO_PROXY": "fd00::/8,localhost",
            "SSL_CERT_FILE": str(authority.file),
        }
        if place == ".env":
            (tmp_path / ".env").write_text("".join(f"{name}={value}\n" for name, value in variables.items()))
            variables = {}
        process = run_ready(run, WEBHOOK_PUBLIC_KEYS="", WEBHOOK_KEY_URLS="https://keys.invalid/", **variables)
        assert process.receiver.post(BODY, dyte_signature=sign(key, BODY)).status == 200
        assert "variable_unusable" not in process.log.read_text()


def test_a_receiver_whose_log_takes_nothing_starts_keeps_and_counts_what_is_not_written(
    run: Run, key: RSAPrivateKey
) -> None:
    process = ready(run(log=Path("/dev/full")))
    for _ in range(3):
        assert process.receiver.post(BODY, dyte_signature=sign(key, BODY)).status == 200
    wait_until(lambda: "rollcall_log_lines_lost_total 0.0" not in process.figures(), "lost lines are counted")
    process.process.terminate()
    assert process.process.wait(30) == 0


BROKEN = """
import sys
from pathlib import Path
from receiver.app import create_app
from receiver.serving import Breakdown, listen, serve
from receiver.settings import ReceiverSettings
from tests.receiver.list_keeper import ListKeeper

keeper, breakdown = ListKeeper(), Breakdown()
keeper.dead = ["forwarder"]
settings = ReceiverSettings(broker_url="postgresql://nowhere/", keys_dir=Path(sys.argv[1]), key_urls=())
serve(create_app(settings, keeper=keeper, broken=breakdown), listen("127.0.0.1", 0))
sys.exit(breakdown.status if breakdown.has_happened else 0)
"""


def test_a_receiver_of_which_a_part_has_ended_ends_so_that_it_is_started_again(tmp_path: Path) -> None:
    root = Path(__file__).parents[2]
    ended = subprocess.run([sys.executable, "-c", BROKEN, tmp_path], cwd=root, timeout=60, check=False)
    assert ended.returncode == 1
