"""`rollcall run` as a person starts it, stops it, and has it killed."""

import http.client
import os
import re
import shutil
import signal
import socket
import stat
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psutil
import psycopg
import pytest

from console.running.marked_processes import marked_processes
from console.running.orphans import lives
from tests.conftest import make_reachable_folder
from tests.console.conftest import ROLLCALL
from tests.console.waiting import wait_until


@dataclass
class Run:
    folder: Path
    port: int
    process: subprocess.Popen[bytes]

    @property
    def output(self) -> str:
        return (self.folder / "output").read_text(encoding="utf-8")

    @property
    def database_url(self) -> str:
        return (self.folder / "var" / "database-url").read_text(encoding="utf-8").strip()

    def wait_until_ready(self) -> None:
        wait_until(
            lambda: "Rollcall takes webhooks at" in self.output or self.process.poll() is not None, "the webhook's URL"
        )
        assert self.process.poll() is None, self.output

    def end(self, number: signal.Signals) -> int:
        self.process.send_signal(number)
        return self.process.wait(60)

    def child(self, module: str) -> psutil.Process:
        (child,) = [process for process in marked_processes(self.folder) if module in process.cmdline()]
        return child


@contextmanager
def running(folder: Path, **variables: str) -> Iterator[Run]:
    """Start `rollcall run` in a folder; its output goes to the file `output` there."""
    port, metrics_port = free_port(), free_port()
    kept = {name: value for name, value in os.environ.items() if name in {"PATH", "HOME", "LANG", "LC_ALL"}}
    settings = {
        "PORT": str(port),
        "METRICS_PORT": str(metrics_port),
        "CONSOLE_PORT": str(free_port()),
        # No test asks the vendor for its keys.
        "WEBHOOK_KEY_URLS": "http://127.0.0.1:9/webhooks.json",
        **variables,
    }
    with (folder / "output").open("wb") as output:
        process = subprocess.Popen(
            [ROLLCALL, "run"],
            cwd=folder,
            env={**kept, **settings},
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    try:
        yield Run(folder, port, process)
    finally:
        if process.poll() is None:
            process.terminate()
            process.wait(60)


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return int(probe.getsockname()[1])


def left_in(folder: Path) -> list[psutil.Process]:
    """The processes that work in a folder or were started for it."""
    found = marked_processes(folder)
    for process in psutil.process_iter():
        try:
            works_here = Path(process.cwd()).is_relative_to(folder)
        except (psutil.Error, OSError):
            continue
        if works_here and lives(process):
            found.append(process)
    return found


def get(port: int, path: str) -> int:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    try:
        connection.request("GET", path)
        return connection.getresponse().status
    finally:
        connection.close()


@pytest.fixture
def folder(reachable_folder: Path) -> Path:
    return reachable_folder


@pytest.fixture(scope="module")
def standing() -> Iterator[Run]:
    """A run for the tests that only look at one."""
    folder = make_reachable_folder()
    with running(folder) as run:
        run.wait_until_ready()
        yield run
    shutil.rmtree(folder)


def test_it_says_in_one_line_where_webhooks_go_and_what_to_try(standing: Run) -> None:
    lines = [line for line in standing.output.splitlines() if "Rollcall takes webhooks" in line]

    assert len(lines) == 1
    assert f"http://127.0.0.1:{standing.port}/webhook" in lines[0]
    assert "rollcall sample" in lines[0]
    assert get(standing.port, "/healthz") == 200


def test_while_it_runs_the_databases_url_and_the_development_key_are_there_for_their_owner_alone(standing: Run) -> None:
    for secret in ("database-url", "dev-key.pem"):
        assert stat.S_IMODE((standing.folder / "var" / secret).stat().st_mode) == 0o600
    told = subprocess.run([ROLLCALL, "url"], cwd=standing.folder, capture_output=True, text=True, check=True)

    assert told.stdout.strip() == standing.database_url
    with psycopg.connect(standing.database_url) as connection:
        assert connection.execute("SELECT count(*) FROM rollcall.deliveries").fetchone() == (0,)


def test_a_second_run_in_the_same_folder_says_that_one_is_there(standing: Run) -> None:
    second = subprocess.run([ROLLCALL, "run"], cwd=standing.folder, capture_output=True, text=True, check=False)

    assert second.returncode == 1
    assert second.stdout == ""
    assert re.fullmatch(rf"Rollcall is already running .*process {standing.process.pid}.*\n", second.stderr)
    assert standing.process.poll() is None


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_asked_to_stop_it_leaves_no_process_and_is_content(folder: Path, number: signal.Signals) -> None:
    with running(folder) as run:
        run.wait_until_ready()
        assert len(left_in(folder)) > 3

        assert run.end(number) == 0, run.output
        assert not (folder / "var" / "database-url").exists()
    assert left_in(folder) == []


def test_a_terminals_ctrl_c_for_the_whole_group_stops_it_in_order(folder: Path) -> None:
    with running(folder) as run:
        run.wait_until_ready()

        os.killpg(run.process.pid, signal.SIGINT)

        assert run.process.wait(60) == 0, run.output
        events = ("receiver_stopped", "worker_stopped", "clock_stopped", "automations_stopped", "Stopped.")
        ended = [run.output.index(event) for event in events]
        assert ended == sorted(ended)
        log = (folder / "var" / "postgres" / "server.log").read_text(encoding="utf-8")
        assert "database system is shut down" in log
    assert left_in(folder) == []


def test_asked_to_stop_while_it_starts_it_leaves_no_process(folder: Path) -> None:
    with running(folder) as run:
        wait_until((folder / "var" / "postgres" / "lock").exists, "the server's start")

        assert run.end(signal.SIGINT) == 0, run.output
    assert left_in(folder) == []


def test_killed_it_starts_again_with_what_it_had_and_ends_what_was_left(folder: Path) -> None:
    with running(folder) as run:
        run.wait_until_ready()
        with psycopg.connect(run.database_url) as connection:
            connection.execute("CREATE TABLE kept AS SELECT 'this' AS what")
        key = (folder / "var" / "dev-key.pem").read_bytes()
        run.end(signal.SIGKILL)
        orphans = left_in(folder)
        assert orphans

    # The same port, which the orphaned receiver holds until it is ended.
    with running(folder, PORT=str(run.port)) as again:
        again.wait_until_ready()
        assert not any(map(lives, orphans))
        with psycopg.connect(again.database_url) as connection:
            assert connection.execute("SELECT what FROM kept").fetchone() == ("this",)
        assert (folder / "var" / "dev-key.pem").read_bytes() == key
        assert again.end(signal.SIGINT) == 0, again.output
    assert left_in(folder) == []


@pytest.mark.parametrize(
    ("module", "name"),
    [("receiver", "receiver"), ("workers", "worker"), ("clock", "clock"), ("automations", "automations")],
)
def test_when_one_part_dies_the_rest_is_stopped_and_it_says_which(folder: Path, module: str, name: str) -> None:
    with running(folder) as run:
        run.wait_until_ready()

        run.child(module).kill()

        assert run.process.wait(60) == 1
        assert f"The {name} was killed by SIGKILL" in run.output.splitlines()[-1]
    assert left_in(folder) == []


def test_a_port_in_use_is_one_clear_line(folder: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = str(other.getsockname()[1])
        with running(folder, PORT=port) as run:
            assert run.process.wait(60) == 1

    assert re.fullmatch(rf"Port {port} on 127\.0\.0\.1 .*PORT.*\n", run.output)


def test_a_wrong_setting_is_one_clear_line_before_anything_starts(folder: Path) -> None:
    with running(folder, MAX_BODY_BYTES="many") as run:
        assert run.process.wait(60) == 2

    assert re.fullmatch(r"MAX_BODY_BYTES takes .*\n", run.output)
    assert "many" not in run.output
    assert not (folder / "var").exists()


def test_with_a_database_of_ones_own_it_starts_none_and_trusts_no_development_key(
    folder: Path, empty_database_url: str
) -> None:
    with running(folder, DATABASE_URL=empty_database_url) as run:
        run.wait_until_ready()

        with psycopg.connect(empty_database_url) as connection:
            assert connection.execute("SELECT count(*) FROM rollcall.sessions").fetchone() == (0,)
        assert run.end(signal.SIGINT) == 0, run.output
    assert not (folder / "var" / "postgres").exists()
    assert not (folder / "var" / "dev-key.pem").exists()


def test_a_database_that_is_away_is_one_clear_line(folder: Path) -> None:
    with running(folder, DATABASE_URL=f"postgresql://someone:hidden@127.0.0.1:{free_port()}/none") as run:
        assert run.process.wait(60) == 1

    assert re.fullmatch(r"The database can't be reached: .*\n", run.output)
    assert "hidden" not in run.output


def test_the_web_console_is_named_by_a_link_that_logs_in_once(reachable_folder: Path) -> None:
    with running(reachable_folder) as run:
        wait_until(lambda: "The web console is at" in run.output, "the console's link")
        found = re.search(r"http://(127\.0\.0\.1:\d+)(/login\?link=\S+)", run.output)
        assert found is not None
        statuses = []
        for _ in range(2):
            connection = http.client.HTTPConnection(found[1], timeout=30)
            connection.request("GET", found[2])
            statuses.append(connection.getresponse().status)
            connection.close()
        assert statuses == [303, 403]


def test_without_the_web_console_everything_else_runs(reachable_folder: Path) -> None:
    with (
        socket.create_server(("127.0.0.1", 0)) as taken,
        running(reachable_folder, CONSOLE_PORT=str(taken.getsockname()[1])) as run,
    ):
        wait_until(lambda: "everything else goes on without it" in run.output, "the warning")
        run.wait_until_ready()
        assert "can't listen" in run.output
        assert "The web console is at" not in run.output
