"""No piece of a password is in what any command or process prints or logs, whatever is wrong with a URL."""

import http.client
import io
import json
import logging
import os
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import psycopg
import pytest

from receiver.settings import ReceiverSettings
from runtime.addresses import database_url, is_postgres
from runtime.environment import SettingError
from runtime.passwords import WITHHELD, shows_password, without_password
from tests.console.conftest import Rollcall, folder, rollcall  # noqa: F401 - fixtures
from tests.processes import ROOT, free_port
from tests.receiver.running import RunningReceiver, wait_until
from tests.runtime.test_logs import lines, logged  # noqa: F401 - a fixture, and how to read it
from workers.queue.broker_address import amqp_nodes, broker_url
from workers.settings import WorkerSettings

# Nothing that any sentence of ours or of a driver holds four characters of.
LEFT, RIGHT = "Xq7Kwz9d", "Vz3JmqYf"
PIECES = {half[start : start + 4].lower() for half in (LEFT, RIGHT) for start in range(len(half) - 3)}

AWAY = "127.0.0.1:1"  # nobody listens
SPECIAL = ["%zz", "%", " ", "#", "@", "/", "[", "]", ":", "?", "&", "=", "+", "\\", "'", '"', ";", ",", "%00", "é"]

# A password that is cut where a host, a port, a database or an option comes to lie.
TORN = [
    f"{LEFT}@{RIGHT}/rest",
    f"{LEFT}/{RIGHT}@rest",
    f"1234/{LEFT}{RIGHT}",
    f"12?{LEFT}={RIGHT}",
    f"12#{LEFT}{RIGHT}",
]


def _urls(scheme: str) -> list[str]:
    passwords = [f"{LEFT}{special}{RIGHT}" for special in SPECIAL] + TORN
    return [
        *(f"{scheme}://user:{password}@{AWAY}/name" for password in passwords),
        f"{scheme}://user:{LEFT}{RIGHT}@127.0.0.1:port/name",
        f"{scheme}://user:{LEFT}{RIGHT}@127.0.0.1:99999/name",
        f"{scheme}://user:{LEFT}{RIGHT}@[127.0.0.1/name",
        f"{scheme}://user:{LEFT}{RIGHT}",
        f"{scheme}://user:{LEFT}{RIGHT}@{AWAY}/name?nonsense={RIGHT}",
        f"{scheme}:/user:{LEFT}{RIGHT}@{AWAY}/name",
        f"user:{LEFT}{RIGHT}@{AWAY}/name",
        f"mysql://user:{LEFT}{RIGHT}@{AWAY}/name",
    ]


POSTGRES = [
    *_urls("postgresql"),
    *(f"postgres://user@{AWAY}/name?password={LEFT}{special}{RIGHT}" for special in SPECIAL),
    *(f"host=127.0.0.1 port=1 password={LEFT}{special}{RIGHT}" for special in SPECIAL),
    f"host=127.0.0.1 port=1 password='{LEFT}{RIGHT}",
    f"host=127.0.0.1 port=1 password='{LEFT}'{RIGHT}",
    f"host=127.0.0.1 port=1 sslmode=nonsense sslpassword='{LEFT} {RIGHT}'",
    f"postgresql://user:{LEFT}{RIGHT}@127.0.0.1:1,127.0.0.1:1/name",
    f"postgresql://user:{LEFT}{RIGHT}@127.0.0.1:1,127.0.0.1/name?port=1,1,1",
    f"postgresql://user:{LEFT}@127.0.0.1:1/name?sslmode=nonsense&password={RIGHT}",
    f"postgresql://user:{LEFT}{RIGHT}@{AWAY}/name?connect_timeout={RIGHT}",
]
RABBITMQ = [
    *_urls("amqp"),
    *(f"amqps://user:{LEFT}@{AWAY}/vhost;amqps://user:{LEFT}{special}{RIGHT}@{AWAY}/vhost" for special in SPECIAL),
    f"amqp://user:{LEFT}{RIGHT}@{AWAY}/vhost?heartbeat={RIGHT}",
    f"amqps://user:{LEFT}@{AWAY}/vhost?ssl_options={{'certfile': '/nowhere', 'password': '{RIGHT}'}}",
    f"amqps://user:{LEFT}@{AWAY}/vhost?ssl_options={RIGHT}",
]
COMMANDS = [
    ("rollcall", "run"),
    ("rollcall", "migrate"),
    ("rollcall", "psql", "-c", "SELECT 1"),
    ("rollcall", "sessions"),
    ("rollcall", "timeline", "x"),
    ("rollcall", "deliveries"),
    ("rollcall", "replay", "--all"),
    ("rollcall", "export", "sessions"),
    ("receiver",),
    ("workers",),
    ("rollcall", "doctor"),  # the last, as it switches logging off
]

# Runs each call in one process, as to start one takes far longer than to refuse a setting.
RUN_ALL = """
import json, os, runpy, sys
from console.main import main
for number, (command, variables) in enumerate(json.loads(sys.stdin.read())):
    for file in sys.stdout, sys.stderr:
        print(f"\\0{number} ", end="", file=file, flush=True)
    os.environ.update(variables)
    sys.argv = command
    try:
        if command[0] == "rollcall":
            main()
        else:
            runpy.run_module(command[0], run_name="__main__")
    except SystemExit:
        pass
    sys.stdout.flush()
"""
# Those that read BROKER_URL.
READERS = [("rollcall", "run"), ("rollcall", "replay", "--all"), ("receiver",), ("workers",), ("rollcall", "doctor")]


def is_taken(url: str) -> bool:
    """Tell whether a broker's URL is one to start with."""
    with suppress(SettingError):
        return bool(broker_url({"BROKER_URL": url}))
    return False


def pieces_in(text: str) -> set[str]:
    return {piece for piece in PIECES if piece in text.lower()}


def settings(**variables: str) -> dict[str, str]:
    return {
        "WEBHOOK_KEY_URLS": "http://127.0.0.1:1/keys",
        "PORT": str(free_port()),
        "METRICS_PORT": str(free_port()),
        "DATABASE_URL": f"postgresql://user@{AWAY}/name",
    } | variables


@pytest.fixture(scope="module")
def outputs(tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[tuple[str, ...], str]]:
    """What each command prints with each URL. A process is left out where it would start and run on."""
    calls = [
        (command, url, {"DATABASE_URL": url, "BROKER_URL": ""} if url in POSTGRES else settings(BROKER_URL=url))
        for command in COMMANDS
        for url in POSTGRES + RABBITMQ
        if command[0] == "rollcall" or not is_taken(url)
    ]
    done = subprocess.run(
        [sys.executable, "-c", RUN_ALL],
        cwd=tmp_path_factory.mktemp("folder"),
        env={"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT)} | settings(),
        input=json.dumps([(command, variables) for command, _, variables in calls]),
        capture_output=True,
        encoding="utf-8",
        timeout=600,
        check=False,
    )
    printed: dict[str, dict[tuple[str, ...], str]] = {url: dict.fromkeys(COMMANDS, "") for url in POSTGRES + RABBITMQ}
    for stream in (done.stdout, done.stderr):
        parts = [part.partition(" ") for part in stream.split("\0")[1:]]
        assert [int(number) for number, _, _ in parts] == list(range(len(calls))), stream[-2000:]
        for (command, url, _), (_, _, text) in zip(calls, parts, strict=True):
            printed[url][command] += text
    return printed


@pytest.mark.parametrize("url", POSTGRES + RABBITMQ)
def test_no_command_and_no_process_shows_a_piece_of_a_password(
    outputs: dict[str, dict[tuple[str, ...], str]], url: str
) -> None:
    name = "DATABASE_URL" if url in POSTGRES else "BROKER_URL"
    for command, output in outputs[url].items():
        assert not pieces_in(output), (command, output)
        assert "Traceback" not in output
        assert "failed unexpectedly" not in output
        if not is_taken(url) and (command in READERS or name == "DATABASE_URL"):
            assert f"{name} takes " in output, (command, output)
            assert "percent-encoded" in output


@pytest.mark.parametrize("module", ["receiver", "workers"])
@pytest.mark.parametrize(
    "url", [f"postgresql://user:{LEFT}#{RIGHT}@{AWAY}/name", f"amqp://user:{LEFT}@{RIGHT}@{AWAY}/vhost"]
)
def test_a_process_that_runs_while_its_servers_are_away_logs_no_piece(tmp_path: Path, module: str, url: str) -> None:
    assert is_taken(url)
    log = tmp_path / "log"
    variables = settings(BROKER_URL=url, **({"DATABASE_URL": url} if is_postgres(url) else {}))
    with log.open("wb") as file:
        process = subprocess.Popen(
            [sys.executable, "-m", module],
            cwd=tmp_path,
            env={"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT)} | variables,
            stdout=file,
            stderr=file,
        )
    try:
        if module == "receiver":
            asked = RunningReceiver(int(variables["PORT"]))
            wait_until(lambda: "queue does not answer" in answer(asked, "/readyz"), "the queue is away", seconds=60)
        else:
            wait_until(lambda: "does not" in log.read_text(), "it says that the queue is away", seconds=60)
        assert not pieces_in(Path(f"/proc/{process.pid}/cmdline").read_text())
    finally:
        process.terminate()
        process.wait(60)
    assert not pieces_in(log.read_text()), log.read_text()


def answer(receiver: RunningReceiver, path: str) -> str:
    with suppress(OSError, http.client.HTTPException):
        return receiver.ask("GET", path).content.decode()
    return ""


GOOD = [
    *(f"postgresql://user:{LEFT}{special}{RIGHT}@h:5432/name" for special in ("#", "[", ":", "?", "%40", "%2F", ";")),
    "postgresql://",
    "postgresql:///name",
    "postgres://h",
    "postgresql://h1:1,h2:2,h3/name?target_session_attrs=read-write",
    "postgresql://h1,h2/name?port=5433",
    "postgresql://user@[::1]:5432/name",
    "postgresql://%2Fvar%2Frun/name",
    "postgresql:///name?host=/var/run&user=a@b",
    "postgresql://user@h/a@b",
    "host=h1,h2 port=1,2 dbname=name password='a b@c/d'",
    "service=tables",
    "dbname=name",
]


@pytest.mark.parametrize("url", GOOD)
def test_what_libpq_takes_is_taken(url: str) -> None:
    assert database_url({"DATABASE_URL": f" {url} "}) == url
    assert broker_url({"BROKER_URL": url}) == url
    assert is_postgres(url)


@pytest.mark.parametrize(
    "url",
    [
        *(f"amqp://user:{LEFT}{special}{RIGHT}@h:5672/vhost" for special in ("@", ":", "%", "%2F", "=", " ")),
        "amqp://",
        "AMQPS://h/vhost?heartbeat=5",
        "amqp://u:p@h/v@x".replace("@x", "%40x"),
        "amqp://u:p@h1/v; amqps://u:p@h2:1/v;",
        "amqp://h/a@b",
    ],
)
def test_what_pika_takes_is_taken(url: str) -> None:
    assert broker_url({"BROKER_URL": url}) == url
    assert not is_postgres(url)
    assert amqp_nodes(url)


@pytest.mark.parametrize("url", ["amqp://user@h/vhost", "amqp://u:p@h/v;h2", "amqp://u:p@h;postgresql://h/x", "  "])
def test_what_pika_does_not_take_is_not(url: str) -> None:
    with pytest.raises(SettingError, match="BROKER_URL"):
        broker_url({"BROKER_URL": url})


@pytest.mark.parametrize("said", [f"no host {RIGHT}", f"no host {RIGHT[2:6].lower()} is there", f"a {LEFT[:4]}"])
@pytest.mark.parametrize(
    "url",
    [
        f"postgres://u:{LEFT}%40{RIGHT}@h/x",
        f"postgres://u:{LEFT}@{RIGHT}/x@h",
        f"postgres://u@h/x?password={LEFT}&sslpassword={RIGHT}",
        f"host=h password='{LEFT} {RIGHT}'",
        f"amqp://u:{LEFT}@h/v;amqp://u:{RIGHT}@h/v",
    ],
)
def test_a_drivers_words_with_a_piece_of_a_password_are_withheld(url: str, said: str) -> None:
    assert without_password(said, "postgres://h/x", url) == WITHHELD
    assert without_password("connection refused", url) == "connection refused"
    assert not shows_password(said, "postgres://h/x")


def test_settings_that_are_printed_show_no_url() -> None:
    environment = {"DATABASE_URL": f"postgres://u:{LEFT}@h/x", "BROKER_URL": f"amqp://u:{RIGHT}@h/v"}
    text = repr(WorkerSettings.from_environment(environment)) + repr(ReceiverSettings.from_environment(environment))
    assert not pieces_in(text)


def test_a_failure_that_nobody_foresaw_is_told_without_its_text(rollcall: Rollcall, database_url: str) -> None:  # noqa: F811 - fixtures
    with psycopg.connect(database_url) as connection:
        connection.execute("DROP SCHEMA rollcall CASCADE; CREATE SCHEMA rollcall")
        connection.execute(
            f"CREATE VIEW rollcall.session_summary AS SELECT (now()::text || '{LEFT}')::int AS session_id"
        )
    done = rollcall("export", "sessions", DATABASE_URL=database_url)
    done_too = rollcall("sessions", DATABASE_URL=database_url)
    assert not pieces_in(done.stdout + done.stderr + done_too.stdout + done_too.stderr)


def test_what_asyncio_adds_of_an_exception_is_not_logged(lines: io.StringIO) -> None:  # noqa: F811 - a fixture
    logging.getLogger("asyncio").error(f"Task exception was never retrieved\nfuture: <Task exception={LEFT!r}>")  # noqa: G004 - as asyncio does
    [line] = logged(lines)
    assert line["says"] == "Task exception was never retrieved"
    assert not pieces_in(json.dumps(line))
