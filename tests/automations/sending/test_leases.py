"""One process at a time sends to an endpoint: killed, frozen and woken ones double nothing."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from cryptography.fernet import Fernet

from automations.sending.client import ATTEMPT_SECONDS
from automations.sending.leases import LEASE_SECONDS, RENEW_SECONDS
from tests.automations.sending.outbox import KEYRING, Outbox
from tests.automations.sending.receiving import Receiving
from tests.processes import ROOT
from tests.receiver.running import wait_until

# A sender as a process, with a lease that tests can wait for.
PROGRAM = """
import asyncio, sys
from cryptography.fernet import Fernet
from automations.metrics import AutomationsMetrics
from automations.secrets import Keyring
from automations.sending.guard import Guard
from automations.sending.sender import Limits, Sender
from automations.sending.way import Way

url, key = sys.argv[1:]
way, keyring = Way(Guard(loopback=True)), Keyring((Fernet(key),))
limits = Limits(attempt=1.0, lease=3.0, renew=0.3)
asyncio.run(Sender(url, keyring, way, AutomationsMetrics(), limits=limits).run(asyncio.Event()))
"""


@contextmanager
def sender_process(outbox: Outbox, key: str) -> Iterator["subprocess.Popen[bytes]"]:
    process = subprocess.Popen(
        [sys.executable, "-c", PROGRAM, outbox.database_url, key], cwd=ROOT, stdout=subprocess.DEVNULL
    )
    try:
        yield process
    finally:
        process.kill()
        process.wait()


def owner(outbox: Outbox, endpoint: str) -> object:
    rows = outbox.connection.execute(
        "SELECT served_by FROM rollcall.endpoint_states WHERE endpoint_id = %s", [endpoint]
    ).fetchall()
    return rows[0][0] if rows else None


@pytest.fixture
def key(monkeypatch: pytest.MonkeyPatch) -> str:
    text = Fernet.generate_key().decode()
    monkeypatch.setattr("tests.automations.sending.outbox.KEYRING", type(KEYRING)((Fernet(text),)))
    return text


def test_no_attempt_can_outlast_the_lease_and_a_renewal_is_never_late() -> None:
    assert LEASE_SECONDS - RENEW_SECONDS > ATTEMPT_SECONDS + 2 * RENEW_SECONDS


def test_another_process_takes_over_from_one_that_is_killed(outbox: Outbox, server: Receiving, key: str) -> None:
    endpoint = outbox.add_endpoint(f"{server.url}/a", max_in_flight=2)
    with sender_process(outbox, key) as first:
        outbox.wait_for_status("delivered", outbox.put(endpoint))
        served_by = owner(outbox, endpoint)
        first.kill()
        first.wait()
        messages = [outbox.put(endpoint) for _ in range(20)]
        with sender_process(outbox, key):
            outbox.wait_for_status("delivered", *messages)
            assert owner(outbox, endpoint) not in {None, served_by}
    got = [request.id for request in server.of("/a")]
    assert len(got) == len(set(got)) == 21


def test_a_process_that_was_frozen_sends_nothing_that_another_has_sent(
    outbox: Outbox, server: Receiving, key: str
) -> None:
    endpoint = outbox.add_endpoint(f"{server.url}/a", max_in_flight=1, rate=4)
    with sender_process(outbox, key) as first:
        messages = [outbox.put(endpoint) for _ in range(16)]
        server.wait_for("/a", 3)
        wait_until(lambda: outbox.statuses(messages).count("delivered") >= 3, "results are kept")
        served_by = owner(outbox, endpoint)
        os.kill(first.pid, signal.SIGSTOP)
        with sender_process(outbox, key):
            wait_until(lambda: owner(outbox, endpoint) != served_by, "the other takes over")
            wait_until(lambda: outbox.statuses(messages).count("delivered") >= 8, "it sends")
            os.kill(first.pid, signal.SIGCONT)
            outbox.wait_for_status("delivered", *messages)
            # It is awake, since it looks again, and has nothing in hand.
            after = outbox.put(endpoint)
            outbox.wait_for_status("delivered", after)
    got = [request.id for request in server.of("/a")]
    doubled = len(got) - len(set(got))
    assert doubled <= 1, "but for the one request that it was frozen in"
    assert set(got) == {*messages, after}


def test_a_clean_stop_keeps_the_last_answers_and_lets_others_take_over_at_once(
    outbox: Outbox, server: Receiving
) -> None:
    endpoint = outbox.add_endpoint(f"{server.url}/a")
    messages = [outbox.put(endpoint) for _ in range(200)]
    with outbox.sending():
        server.wait_for("/a", 20)
    assert owner(outbox, endpoint) is None
    got = [request.id for request in server.of("/a")]
    assert len(got) == len(set(got)) == outbox.statuses(messages).count("delivered")
    with outbox.sending():
        outbox.wait_for_status("delivered", *messages)
    assert len(server.of("/a")) == 200


def test_two_processes_share_nothing_and_double_nothing(outbox: Outbox, server: Receiving) -> None:
    endpoints = [outbox.add_endpoint(f"{server.url}/{number}") for number in range(4)]
    with outbox.sending(), outbox.sending():
        messages = [outbox.put(*endpoints) for _ in range(50)]
        wait_until(
            lambda: (
                outbox.connection.execute(
                    "SELECT count(*) FROM rollcall.message_deliveries WHERE status = 'delivered'"
                ).fetchone()
                == (200,)
            ),
            "all are delivered",
        )
    assert len(server.requests) == 200
    for number in range(4):
        assert {request.id for request in server.of(f"/{number}")} == set(messages)


def test_while_the_database_is_away_results_wait_and_are_kept_afterwards(outbox: Outbox, server: Receiving) -> None:
    endpoint = outbox.add_endpoint(f"{server.url}/a")
    with outbox.sending():
        outbox.wait_for_status("delivered", outbox.put(endpoint))
        for _ in range(3):
            outbox.connection.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                "WHERE datname = current_database() AND application_name LIKE 'rollcall automations%'"
            )
            outbox.wait_for_status("delivered", outbox.put(endpoint))
    got = [request.id for request in server.of("/a")]
    assert len(got) == len(set(got)) == 4
