"""Signatures verify with the specification's own libraries, during a rotation too; a tampered byte does not."""

import base64
import json
import os
import shutil
import subprocess
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography.fernet import Fernet
from standardwebhooks import Webhook, WebhookVerificationError

from automations.secrets import Keyring, new_secret
from automations.sending.thin import KEPT, LISTS, PLAIN, thin_body
from tests.automations.sending.outbox import Outbox
from tests.automations.sending.receiving import Receiving, Reply, Request
from tests.receiver.running import wait_until
from workers.tables.models.endpoints import Endpoint as EndpointModel
from workers.tables.models.holding import OF_VIEWS, Holding
from workers.tables.models.ledger import Delivery
from workers.tables.models.recordings import Artifact, Livestream, Recording
from workers.tables.models.roster import Expected
from workers.tables.models.sessions import Participant, Session, TimelineEntry

NPM = ("standardwebhooks@1.1.1", "svix@1.99.1")
VERIFY = """
const { Webhook } = require(process.argv[1]);
for (const { secret, body, headers } of JSON.parse(require("fs").readFileSync(0, "utf8"))) {
  try {
    console.log("verified " + new Webhook(secret).verify(body, headers).type);
  } catch (error) {
    console.log("refused");
  }
}
"""
TEXT = "Überraschung \U0001f389 <&> \\ \" ' \u2028 e\u0301"


@pytest.fixture
def rotated(outbox: Outbox, server: Receiving) -> tuple[Request, list[str]]:
    """A request of an endpoint whose secret was rotated, and its two valid secrets."""
    endpoint = outbox.add_endpoint(f"{server.url}/a")
    second, third = new_secret(), "whsec_" + base64.b64encode(os.urandom(24)).decode()
    outbox.add_secret(endpoint, second, timedelta(hours=1))
    outbox.add_secret(endpoint, third, timedelta(hours=-1))
    message = outbox.put(endpoint, data={"message": TEXT, "number": 12345678901234567890.5})
    with outbox.sending():
        outbox.wait_for_status("delivered", message)
    [request] = server.of("/a")
    assert request.id == message
    return request, [outbox.secrets[endpoint], second]


def tampered(request: Request) -> list[dict[str, Any]]:
    """The request with a byte changed: of the body, the id, the time, the signature."""
    headers, body = dict(request.headers), request.body.decode()
    return [
        {"body": body.replace("12345", "12346"), "headers": headers},
        {"body": body + " ", "headers": headers},
        {"body": body, "headers": {**headers, "webhook-id": headers["webhook-id"][:-1] + "x"}},
        {"body": body, "headers": {**headers, "webhook-timestamp": str(int(headers["webhook-timestamp"]) + 1)}},
        {"body": body, "headers": {**headers, "webhook-signature": "v1," + base64.b64encode(bytes(32)).decode()}},
    ]


def test_each_valid_secret_verifies_and_an_expired_one_does_not_sign(rotated: tuple[Request, list[str]]) -> None:
    request, secrets = rotated
    assert len(request.headers["webhook-signature"].split(" ")) == 2
    for secret in secrets:
        message = Webhook(secret).verify(request.body, dict(request.headers))
        assert message["data"]["message"] == TEXT
        for one in tampered(request):
            with pytest.raises(WebhookVerificationError):
                Webhook(secret).verify(one["body"], one["headers"])
    with pytest.raises(WebhookVerificationError):
        Webhook(new_secret()).verify(request.body, dict(request.headers))
    assert list(json.loads(request.body)) == ["type", "timestamp", "data"]


@pytest.fixture(scope="module")
def npm_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    if shutil.which("node") is None or shutil.which("npm") is None:
        if os.environ.get("CI") == "true":
            pytest.fail("node and npm are missing, so signatures can't be verified in JavaScript")
        pytest.skip("node and npm are missing")
    folder = tmp_path_factory.mktemp("npm")
    command = [
        "npm",
        "install",
        "--prefix",
        str(folder),
        "--no-audit",
        "--no-fund",
        "--ignore-scripts",
        "--silent",
        *NPM,
    ]
    done = subprocess.run(command, capture_output=True, check=False, timeout=120)
    if done.returncode:
        if os.environ.get("CI") == "true":
            pytest.fail(f"npm can't install {' '.join(NPM)}")
        pytest.skip(f"npm can't install {' '.join(NPM)}: no network?")
    return folder


@pytest.mark.parametrize("library", ["standardwebhooks", "svix"])
def test_the_libraries_for_javascript_verify_it_too(
    rotated: tuple[Request, list[str]], npm_folder: Path, library: str
) -> None:
    request, secrets = rotated

    whole = {"body": request.body.decode(), "headers": dict(request.headers)}
    given = [{"secret": secret, **one} for secret in secrets for one in (whole, *tampered(request))]
    done = subprocess.run(
        ["node", "-e", VERIFY, library],
        input=json.dumps(given).encode(),
        cwd=npm_folder,
        capture_output=True,
        check=True,
        timeout=60,
    )
    of_one_secret = ["verified session.started", *["refused"] * len(tampered(request))]
    assert done.stdout.decode().splitlines() == of_one_secret * 2


def test_a_key_that_does_not_open_the_secret_sends_nothing_and_says_so(outbox: Outbox, server: Receiving) -> None:
    endpoint = outbox.add_endpoint(f"{server.url}/a")
    message = outbox.put(endpoint)
    with outbox.sending(keyring=Keyring((Fernet(Fernet.generate_key()),))) as metrics:
        wait_until(
            lambda: metrics.registry.get_sample_value("rollcall_automations_endpoints_unopened") == 1, "it says so"
        )
        # Another process, with the right key, need not wait for it.
        assert server.requests == []
        with outbox.sending():
            outbox.wait_for_status("delivered", message)
    assert len(server.of("/a")) == 1


def columns(model: type[Any]) -> dict[str, Holding]:
    return {column.key: column.info["holding"] for column in model.__table__.columns if not _is_inner(column.key)}


INNER = (
    *("stated_", "noticed_", "last_joined", "last_left", "last_received", "live_at", "first_observed"),
    *("api_started", "api_ended", "api_joined", "api_left"),
)


def _is_inner(name: str) -> bool:
    return name.endswith("_by") or name.startswith(INNER)


HARMLESS = {Holding.NOTHING, Holding.PEER}
MEMBERS: Sequence[tuple[str, type[Any]]] = [
    ("session", Session),
    ("entry", TimelineEntry),
    ("participant", Participant),
    ("recording", Recording),
    ("livestream", Livestream),
    ("artifact", Artifact),
    ("roster", Expected),
    ("delivery", Delivery),
]


@pytest.mark.parametrize(("member", "model"), MEMBERS)
def test_a_thin_body_keeps_what_the_data_map_says_holds_nothing_of_a_person(member: str, model: type[Any]) -> None:
    held = columns(model)
    harmless = {name for name, holding in held.items() if holding in HARMLESS}
    kept = KEPT[member] & set(held)
    assert kept <= harmless
    assert harmless - kept <= {"last_event_at", "end_reason"}
    others = KEPT[member] - set(held)
    assert not others & set(OF_VIEWS["session_summary"])


def test_a_thin_body_has_no_names_custom_ids_titles_and_links() -> None:
    secret = {
        "title",
        "display_name",
        "custom_participant_id",
        "download_url",
        "playback_url",
        "person",
        "detail",
        "url",
    }
    assert not secret & {name for kept in KEPT.values() for name in kept}
    assert not set(OF_VIEWS["attendance"]) & KEPT["attendance"]
    assert KEPT["endpoint"] - {"failing_since"} <= set(columns(EndpointModel))
    assert set(LISTS.values()) <= set(KEPT)
    assert not PLAIN & set(KEPT)
    body = json.dumps(
        {
            "type": "session.revised",
            "timestamp": "2026-03-02T09:52:31Z",
            "data": {
                "session": {"session_id": "s", "title": "secret", "people": 2},
                "attendance": [{"person": "secret", "display_name": "secret", "attended_seconds": 60}],
                "recordings": [{"id": "r", "download_url": "secret"}],
                "changed": ["/attendance/secret/attended_seconds"],
                "revision": 2,
                "reconciled": None,
                "later": {"secret": "secret"},
            },
        }
    )
    thin = thin_body(body)
    assert thin == thin_body(body)
    assert "secret" not in thin
    assert json.loads(thin)["data"] == {
        "session": {"session_id": "s", "people": 2},
        "attendance": [{"attended_seconds": 60}],
        "recordings": [{"id": "r"}],
        "revision": 2,
        "reconciled": None,
    }


def test_an_endpoint_gets_the_body_that_it_asks_for(outbox: Outbox, server: Receiving) -> None:
    server.answer("/full", Reply(500), Reply())
    full = outbox.add_endpoint(f"{server.url}/full")
    thin = outbox.add_endpoint(f"{server.url}/thin", body="thin")
    message = outbox.put(full, thin, data={"session": {"id": "s", "title": "Maths"}})
    with outbox.sending():
        server.wait_for("/full", 1)
        server.wait_for("/thin", 1)
        outbox.move(timedelta(seconds=6))
        outbox.wait_for_status("delivered", message)
        first, second = server.wait_for("/full", 2)
    assert first.body == second.body
    assert b"Maths" in first.body
    [request] = server.of("/thin")
    assert json.loads(request.body)["data"] == {"session": {"id": "s"}}
    Webhook(outbox.secrets[thin]).verify(request.body, dict(request.headers))
