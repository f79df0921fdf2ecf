"""Outgoing webhooks, the vendor's API and the console on an odd database, direct and behind a pooler."""

import os
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from html import escape
from pathlib import Path
from random import Random

import httpx2
import psutil
import psycopg
import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from standardwebhooks import Webhook

from automations.secrets_key import new_key
from console.embedded.server import EmbeddedPostgres
from tests.automations.sending.receiving import receiving
from tests.odd_database import ENVIRONMENT, make_odd
from tests.pgbouncer import pgbouncer
from tests.processes import System, free_port
from tests.receiver.running import wait_until
from tests.vendor_api.fake_vendor import FakeVendor
from tests.vendor_api.world import World, made_up

SESSIONS = 4
# What a shell, a proxy for all and a certificate that is gone leave in the environment.
ODD_MACHINE = {
    "ALL_PROXY": "socks5h://127.0.0.1:1",
    "HTTPS_PROXY": "http://127.0.0.1:1",
    "NO_PROXY": "fd00::/8,127.0.0.1",
    "SSL_CERT_FILE": "/gone/authority.pem",
    "LANG": "C",
    "LC_ALL": "C",
    "PYTHONUTF8": "0",
    "PYTHONCOERCECLOCALE": "0",
}
PAGES = ("/", "/sessions", "/deliveries", "/usage", "/usage?tz=Asia/Kolkata", "/automations", "/health")
SETTLED = "SELECT count(settled_at) FROM rollcall.tellings"
COMMANDS = (
    "sessions",
    "sessions --json",
    "timeline {session}",
    "deliveries",
    "endpoints list",
    "endpoints show {endpoint}",
    "endpoints test {endpoint}",
    "endpoints disable {endpoint}",
    "endpoints enable {endpoint}",
    "endpoints rotate {endpoint}",
    "messages list",
    "messages redeliver --endpoint {endpoint} --yes",
    "roster list",
    "queue parked",
    "replay --all",
    "webhooks list",
    "export attendance",
    "secrets reencrypt",
)
COMPLETE = "SELECT count(*) FROM rollcall.lookups WHERE is_complete"


@pytest.fixture(params=["direct", "pooled"])
def url(
    request: pytest.FixtureRequest, embedded_postgres: EmbeddedPostgres, database_url: str, reachable_folder: Path
) -> Iterator[str]:
    """An odd database, direct and through a pooler in transaction mode."""
    make_odd(database_url)
    if request.param == "direct":
        yield database_url
    else:
        with pgbouncer(embedded_postgres, database_url, reachable_folder) as pooled:
            yield pooled


def a_world() -> World:
    return made_up(Random(5), SESSIONS, (datetime.now(UTC) - timedelta(hours=6)).replace(microsecond=0))


def test_what_webhooks_lost_is_asked_for_told_and_shown(tmp_path: Path, database_url: str, url: str) -> None:
    world, port = a_world(), free_port()
    with ExitStack() as stack:
        vendor, server = stack.enter_context(FakeVendor(world)), stack.enter_context(receiving())
        settings = {
            **({} if "127.0.0.1" in url else ENVIRONMENT),  # a pooler takes no PGOPTIONS
            **ODD_MACHINE,
            **vendor.environment(realtimekit=False),
            # A worker can't listen behind a pooler in transaction mode, and says so.
            "BROKER_URL": database_url,
            "VENDOR_CALLS_PER_SECOND": "1000",
            "SECRETS_KEY": new_key(),
            "AUTOMATIONS_ALLOW": "127.0.0.0/8",
            "SETTLE_AFTER": "1s",
            "CONSOLE_PORT": str(port),
            "CONSOLE_TRUST_HEADER": "x-user",
            "CONSOLE_TRUST_NETWORKS": "127.0.0.0/8",
            "CONSOLE_ROLES": "*=operate",
        }
        system = System(tmp_path, url, rsa.generate_private_key(public_exponent=65537, key_size=2048), settings)
        added = system.rollcall("endpoints", "add", f"{server.url}/a", "--types", "session.settled")
        assert "whsec_" in added, added
        [secret] = [word for word in added.split() if word.startswith("whsec_")]
        for module in ("workers", "clock", "automations", "console"):
            process = system.start(module)
            stack.callback(_ended_well, process)
        with psycopg.connect(database_url, autocommit=True) as connection:
            wait_until(lambda: connection.execute(COMPLETE).fetchone() == (SESSIONS,), "all are asked about", 60)
            # They had ended before there was an endpoint.
            wait_until(lambda: connection.execute(SETTLED).fetchone() == (SESSIONS,), "all have settled")
        [endpoint_id] = [word for word in added.split() if word.startswith("ep_")][:1]
        system.rollcall("endpoints", "recover", endpoint_id, "--since", "2d", "--yes")
        messages = [Webhook(secret).verify(one.body, dict(one.headers)) for one in server.wait_for("/a", SESSIONS)]
        told = {message["data"]["session"]["session_id"] for message in messages}
        assert told == {session.id for session in world.sessions}
        # The console, started last, yields to the others.
        assert psutil.Process(process.pid).nice() == min(19, os.nice(0) + 10)
        with httpx2.Client(base_url=f"http://127.0.0.1:{port}", headers={"x-user": "ada"}, trust_env=False) as browser:
            session = world.sessions[0]
            person = escape(session.connections[0].name)
            of_it = (f"/sessions/{session.id}", f"/sessions/{session.id}?csv=people", f"/meetings/{session.meeting_id}")
            for path in (*PAGES, *of_it):
                answer = browser.get(path)
                assert answer.status_code == 200, f"{path}: {answer.text}"
            assert person in browser.get(f"/sessions/{session.id}").text
        assert "4 sessions" in system.rollcall("backfill", "--since", "2d", "--dry-run")
        for command in COMMANDS:
            said = system.rollcall(*command.format(session=session.id, endpoint=endpoint_id).split())
            assert "unexpectedly" not in said, f"rollcall {command}: {said}"
        assert "variable_unusable" in system.log("clock").read_text()
        doctor = system.rollcall("doctor")
        assert "FAIL" not in doctor.upper(), doctor


def _ended_well(process: "subprocess.Popen[bytes]") -> None:
    process.terminate()
    assert process.wait(30) == 0
