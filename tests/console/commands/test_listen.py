"""`rollcall listen` as a process, and messages posted to it."""

import http.client
import json
import os
import re
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from standardwebhooks import Webhook

from automations.managing.rotation import rotate
from automations.secrets import new_secret
from runtime.connections import connect
from tests.console.commands.messages import KEY, RING, endpoint
from tests.console.conftest import ROLLCALL, Rollcall
from tests.receiver.running import wait_until

BODY = json.dumps(
    {
        "type": "participant.left",
        "timestamp": "2026-03-02T09:52:31.030000Z",
        "data": {"session": {"id": "s1", "title": "Algebra \x1b[2J"}, "participant": {"display_name": "花子"}},
    }
).encode()


@dataclass
class Listening:
    process: "subprocess.Popen[bytes]"
    output: Path
    port: int = 0

    @property
    def lines(self) -> list[str]:
        return self.output.read_text(encoding="utf-8").splitlines()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/"

    def post(self, secret: str, message_id: str = "msg_1", body: bytes = BODY, path: str = "/", age: int = 0) -> int:
        at = datetime.now(UTC) - timedelta(seconds=age)
        headers = {
            "webhook-id": message_id,
            "webhook-timestamp": str(int(at.timestamp())),
            "webhook-signature": f"v1a,AAAA {Webhook(secret).sign(message_id, at, BODY.decode())}",
        }
        return self.ask(body, headers, path)

    def ask(self, body: bytes, headers: dict[str, str], path: str = "/") -> int:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=20)
        try:
            connection.request("POST", path, body, headers)
            return connection.getresponse().status
        finally:
            connection.close()


@contextmanager
def listening(folder: Path, *arguments: str, stdin: bytes = b"", **variables: str) -> Iterator[Listening]:
    output = folder / "listen.log"
    with output.open("wb") as file:
        process = subprocess.Popen(
            [ROLLCALL, "listen", "--port", "0", *arguments],
            cwd=folder,
            env={"PATH": os.environ["PATH"], "LANG": "C.UTF-8", **variables},
            stdin=subprocess.PIPE,
            stdout=file,
            stderr=file,
        )
    assert process.stdin is not None
    process.stdin.write(stdin)
    process.stdin.close()
    listener = Listening(process, output)
    try:
        wait_until(lambda: bool(listener.lines) or process.poll() is not None, "it listens", seconds=60)
        found = re.search(r"http://127\.0\.0\.1:(\d+)/ until Ctrl-C", listener.lines[0])
        assert found, listener.lines
        listener.port = int(found[1])
        yield listener
        process.send_signal(signal.SIGINT)
        assert process.wait(20) == 0, listener.lines
    finally:
        process.kill()
        process.wait()


def test_it_verifies_by_the_secret_of_its_own_url_and_knows_repeats(folder: Path, database_url: str) -> None:
    with listening(folder, DATABASE_URL=database_url, SECRETS_KEY=KEY) as listener:
        assert listener.lines[0].endswith(f"rollcall endpoints add {listener.url}")
        secret = new_secret()
        assert listener.post(secret) == 401
        endpoint_id = endpoint(database_url, listener.url, secret)
        assert listener.post(secret) == 204
        assert listener.post(secret) == 204
        assert listener.post(secret, "msg_2", body=BODY.replace(b"09:52", b"09:53")) == 401
        assert listener.post(new_secret(), "msg_3") == 401
        assert listener.post(secret, "msg_4", age=600) == 401
        assert listener.post(secret, "msg_5", path="/elsewhere") == 401
        with connect(database_url, name="test") as connection:
            second = new_secret()
            rotate(connection, endpoint_id, RING.encrypt(second), timedelta(hours=1))
        assert listener.post(second, "msg_6") == 204
        assert listener.post(secret, "msg_7") == 204
        assert [line.split()[1] for line in listener.lines[1:]] == [
            *("refused", "verified", "repeated", "refused", "refused", "refused", "refused", "verified", "verified")
        ]
        assert "no endpoint has the URL" in listener.lines[1]
        assert "participant.left" in listener.lines[2]
        assert "花子, Algebra �[2J" in listener.lines[2]


def test_the_first_messages_fail_where_that_is_asked_for_and_a_given_secret_needs_no_database(folder: Path) -> None:
    secret = new_secret()
    with listening(folder, "--fail", "2", "--full", "--secret-stdin", stdin=f"{secret}\n".encode()) as listener:
        assert [listener.post(secret) for _ in range(3)] == [500, 500, 204]
        assert listener.post(new_secret()) == 401
        text = "\n".join(listener.lines)
        assert text.count("(answered with 500)") == 2
        assert '"display_name": "花子"' in text


@pytest.mark.parametrize(
    ("headers", "body"),
    [
        ({}, BODY),
        ({"webhook-id": "msg_1", "webhook-timestamp": "soon", "webhook-signature": "v1,AAAA"}, BODY),
        ({"webhook-id": "msg_1", "webhook-timestamp": "1", "webhook-signature": "v1"}, BODY),
        ({"webhook-id": "msg_1", "webhook-timestamp": "1", "webhook-signature": "v1,é"}, b"\xff"),
    ],
)
def test_whatever_comes_unsigned_is_refused_and_nothing_breaks(
    shared: Listening, headers: dict[str, str], body: bytes
) -> None:
    now = str(int(datetime.now(UTC).timestamp()))
    headers = {name: now if value == "1" else value for name, value in headers.items()}
    assert shared.ask(body, headers) == 401


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Listening]:
    folder = tmp_path_factory.mktemp("listen")
    with listening(folder, "--secret-stdin", stdin=f"{new_secret()}\n".encode()) as listener:
        yield listener


def test_a_port_that_is_taken_is_a_line(rollcall_here: Rollcall, shared: Listening) -> None:
    done = rollcall_here("listen", "--port", str(shared.port), "--secret-stdin", stdin=new_secret())
    assert done.returncode == 1
    assert "--port" in done.stderr
