"""`rollcall sample` against a real HTTP server that verifies what it gets."""

import base64
import json
import random
import socket
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding

from console.samples.dev_key import ensure_dev_key, read_dev_key
from console.samples.session import sample_session
from tests.console.conftest import Rollcall
from workers.queue.delivery import Provider

PAYLOADS = Path(__file__).parents[2] / "payloads"
PREFIX = {Provider.DYTE: "dyte", Provider.REALTIMEKIT: "rtk"}


@dataclass
class Webhook:
    """A server that answers `statuses` in turn, the last one for ever, and keeps what was posted."""

    url: str = ""
    statuses: list[int] = field(default_factory=lambda: [200])
    posted: list[tuple[dict[str, str], bytes]] = field(default_factory=list)


@contextmanager
def listening(webhook: Webhook) -> Iterator[Webhook]:
    taking = threading.Lock()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            with taking:
                webhook.posted.append(({name.lower(): value for name, value in self.headers.items()}, body))
                status = webhook.statuses.pop(0) if len(webhook.statuses) > 1 else webhook.statuses[0]
            answer = json.dumps({"status": "accepted"} if status == 200 else {"error": "Said the server"}).encode()
            self.send_response(status)
            self.send_header("content-length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

        def log_message(self, *_: object) -> None:
            pass

    class Server(ThreadingHTTPServer):
        request_queue_size = 128  # as many as come at once: one that waits a second to be let in is given up

    with Server(("127.0.0.1", 0), Handler) as server:
        webhook.url = f"http://127.0.0.1:{server.server_port}/webhook"
        serving = threading.Thread(target=server.serve_forever, daemon=True)
        serving.start()
        yield webhook
        server.shutdown()
        serving.join()


@pytest.fixture
def webhook() -> Iterator[Webhook]:
    with listening(Webhook()) as taken:
        yield taken


@pytest.fixture
def dev_key(folder: Path) -> Path:
    path = folder / "var" / "dev-key.pem"
    ensure_dev_key(path)
    return path


def shape(value: Any) -> Any:
    """The names and types of a body, without its values."""
    if isinstance(value, dict):
        return {name: shape(inner) for name, inner in value.items()}
    return type(value).__name__


def recorded(dialect: Provider) -> list[Any]:
    return [json.loads(path.read_bytes()) for path in sorted((PAYLOADS / dialect).glob("*.json"))]


@pytest.mark.parametrize("dialect", Provider)
def test_a_session_has_the_bodies_that_the_vendor_sends_for_one_to_the_last_field(dialect: Provider) -> None:
    session = sample_session(dialect, datetime.now(UTC), random.Random(1))
    assert [shape(json.loads(body)) for body in session.bodies] == [shape(body) for body in recorded(dialect)]


def test_a_session_is_of_now_and_its_rejoin_has_a_peer_of_its_own_that_never_leaves() -> None:
    now = datetime.now(UTC)
    bodies = [json.loads(body) for body in sample_session(Provider.DYTE, now, random.Random(1)).bodies]
    joined = [body["participant"] for body in bodies if body["event"] == "meeting.participantJoined"]
    left = [body["participant"] for body in bodies if body["event"] == "meeting.participantLeft"]
    ended = datetime.fromisoformat(next(b for b in bodies if b["event"] == "meeting.ended")["meeting"]["endedAt"])
    assert abs(now - ended) < timedelta(seconds=1)
    assert Counter(person["customParticipantId"] for person in joined).most_common(1)[0][1] == 2
    assert len({person["peerId"] for person in joined}) == 3
    assert {person["peerId"] for person in joined} - {person["peerId"] for person in left} == {joined[2]["peerId"]}
    assert all(person["joinedAt"] < person["leftAt"] for person in left)


@pytest.mark.parametrize("dialect", Provider)
def test_it_posts_a_session_in_order_signed_with_the_development_key_and_prints_its_id(
    rollcall: Rollcall, webhook: Webhook, dev_key: Path, dialect: Provider
) -> None:
    done = rollcall("sample", "--to", webhook.url, "--dialect", dialect)
    assert (done.returncode, done.stderr) == (0, "")
    bodies = [json.loads(body) for _, body in webhook.posted]
    assert [body["event"] for body in bodies] == [body["event"] for body in recorded(dialect)]
    assert done.stdout == bodies[0]["meeting"]["sessionId"] + "\n"
    public_key = read_dev_key(dev_key).public_key()
    for headers, body in webhook.posted:
        signature = base64.b64decode(headers[f"{PREFIX[dialect]}-signature"], validate=True)
        public_key.verify(signature, body, padding.PKCS1v15(), hashes.SHA256())
    assert len({headers[f"{PREFIX[dialect]}-uuid"] for headers, _ in webhook.posted}) == 15
    assert all(headers[f"{PREFIX[dialect]}-webhook-id"] for headers, _ in webhook.posted)


def test_it_posts_to_the_receiver_that_the_settings_describe(
    rollcall: Rollcall, webhook: Webhook, dev_key: Path
) -> None:
    port = webhook.url.split(":")[2].split("/")[0]
    assert rollcall("sample", HOST="0.0.0.0", PORT=port).returncode == 0
    assert len(webhook.posted) == 15


def test_many_sessions_are_told_one_a_line_and_each_is_whole(
    rollcall: Rollcall, webhook: Webhook, dev_key: Path
) -> None:
    done = rollcall("sample", "--to", webhook.url, "--count", "20")
    assert len(webhook.posted) == 20 * 15
    started = [json.loads(body) for _, body in webhook.posted if b'"meeting.started"' in body]
    assert sorted(done.stdout.split()) == sorted(body["meeting"]["sessionId"] for body in started)
    assert len(set(done.stdout.split())) == 20


def test_a_503_is_asked_again_until_the_delivery_is_kept(rollcall: Rollcall, webhook: Webhook, dev_key: Path) -> None:
    webhook.statuses = [503, 503, 200]
    assert rollcall("sample", "--to", webhook.url).returncode == 0
    assert [body for _, body in webhook.posted[:3]] == [webhook.posted[0][1]] * 3
    assert len(webhook.posted) == 17


@pytest.mark.parametrize(
    ("status", "remedy"),
    [
        (401, "WEBHOOK_PUBLIC_KEYS"),
        (503, "rollcall doctor"),
        (404, "/webhook"),
        (500, "Check what is listening there."),
    ],
)
def test_a_refusal_is_one_line_with_what_to_do(
    rollcall: Rollcall, webhook: Webhook, dev_key: Path, status: int, remedy: str
) -> None:
    webhook.statuses = [status]
    done = rollcall("sample", "--to", webhook.url, "--count", "3")
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith(f"{webhook.url} answered {status} (Said the server): ")
    assert remedy in done.stderr
    assert done.stderr.count("\n") == 1


def test_without_a_receiver_it_says_so_in_one_line(rollcall: Rollcall, dev_key: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # taken, but nobody listens
        done = rollcall("sample", PORT=str(taken.getsockname()[1]))
    assert (done.returncode, done.stdout) == (1, "")
    assert "make run" in done.stderr
    assert done.stderr.count("\n") == 1


def test_without_a_development_key_it_says_so_in_one_line(rollcall: Rollcall, webhook: Webhook) -> None:
    done = rollcall("sample", "--to", webhook.url)
    assert (done.returncode, webhook.posted) == (1, [])
    assert done.stderr.startswith("There is no development key at var/dev-key.pem")
    assert done.stderr.count("\n") == 1


@pytest.mark.parametrize(
    "arguments", [("--count", "0"), ("--count", "two"), ("--dialect", "zoom"), ("--to", "localhost")]
)
def test_a_wrong_call_is_told_and_nothing_is_posted(
    rollcall: Rollcall, dev_key: Path, arguments: tuple[str, ...]
) -> None:
    done = rollcall("sample", *arguments)
    assert done.returncode == 2
    assert "Invalid value for " in done.stderr
    assert arguments[0] in done.stderr
