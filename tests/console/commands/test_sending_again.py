"""Disabling, enabling, recovering and redelivering by commands, and a message to try an endpoint with."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from tests.console.commands import rows
from tests.console.commands.messages import KEY, attempt, endpoint, meant_for, message
from tests.console.commands.test_listen import Listening, listening
from tests.console.conftest import Rollcall
from tests.processes import ROOT, free_port


def statuses(url: str) -> dict[tuple[str, str], str]:
    with psycopg.connect(url) as connection:
        found = connection.execute("SELECT message_id, endpoint_id, status FROM rollcall.message_deliveries").fetchall()
    return {(message_id, endpoint_id): status for message_id, endpoint_id, status in found}


def test_what_waits_is_held_while_an_endpoint_is_disabled_and_goes_out_after(
    rollcall_here: Rollcall, database_url: str
) -> None:
    endpoint_id = endpoint(database_url)
    ids = [message(database_url, number, session_id="s1") for number in range(3)]
    meant_for(database_url, ids[0], endpoint_id)
    meant_for(database_url, ids[1], endpoint_id)
    meant_for(database_url, ids[2], endpoint_id, "held", reason="old")
    done = rollcall_here("endpoints", "disable", endpoint_id, "--reason", "moving", DATABASE_URL=database_url)
    assert done.stdout == f"Disabled {endpoint_id} (example): 2 messages are held.\n"
    assert set(statuses(database_url).values()) == {"held"}
    [shown] = json.loads(rollcall_here("endpoints", "list", "--json", DATABASE_URL=database_url).stdout)
    assert (shown["status"], shown["disabled_reason"], shown["held"]) == ("disabled", "moving", 3)
    assert rollcall_here("endpoints", "disable", endpoint_id, DATABASE_URL=database_url).returncode == 1
    assert rollcall_here("endpoints", "test", endpoint_id, DATABASE_URL=database_url).returncode == 1
    refused = rollcall_here("endpoints", "recover", endpoint_id, "--since", "1d", DATABASE_URL=database_url)
    assert "enable" in refused.stderr
    done = rollcall_here("endpoints", "enable", endpoint_id, DATABASE_URL=database_url)
    assert done.stdout == f"Enabled {endpoint_id} (example): 2 messages go out.\n"
    assert [statuses(database_url)[id_, endpoint_id] for id_ in ids] == ["pending", "pending", "held"]
    assert rollcall_here("endpoints", "enable", endpoint_id, DATABASE_URL=database_url).returncode == 1


def test_recovering_sends_what_is_held_as_old_since_then_and_tells_of_sessions_before_the_endpoint(
    rollcall_here: Rollcall, database_url: str
) -> None:
    rows.session(database_url, "old", status="ended", ended_at=rows.at(60), last_event_at=rows.at(60))
    rows.entry(database_url, "session.started", rows.at(0), rows.at(0), session_id="old", subject_id="old")
    endpoint_id = endpoint(database_url)
    early, late = message(database_url, 1), message(database_url, 5)
    meant_for(database_url, early, endpoint_id, "held", reason="old")
    meant_for(database_url, late, endpoint_id, "held", reason="old")
    done = rollcall_here("endpoints", "recover", endpoint_id, "--since", "2026-03-02T09:03Z", DATABASE_URL=database_url)
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("1 held and 2 new messages go out")
    found = statuses(database_url)
    assert (found.pop((early, endpoint_id)), found.pop((late, endpoint_id))) == ("held", "pending")
    assert list(found.values()) == ["pending"] * 2


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (("msg_00000000",), [(0, 0), (0, 1)]),
        (("--status", "given_up"), [(0, 1)]),
        (("--type", "session.*"), [(0, 0), (0, 1), (2, 0)]),
        (("--endpoint", "https://example.com/1"), [(0, 0), (2, 0)]),
        (("--session", "s2"), [(2, 0)]),
        (("--since", "2026-03-02T09:02Z"), [(2, 0)]),
        (("--since", "2026-03-02T09:02Z", "--status", "delivered"), []),
        (("msg_00000001", "--endpoint", "https://example.com/2"), [(1, 1)]),
    ],
)
def test_what_is_chosen_goes_out_again_and_nothing_else(
    rollcall_here: Rollcall, database_url: str, arguments: tuple[str, ...], expected: list[tuple[int, int]]
) -> None:
    endpoints = [endpoint(database_url, f"https://example.com/{number}") for number in (1, 2)]
    ids = [
        message(database_url, 0, session_id="s1"),
        message(database_url, 1, "participant.joined", session_id="s1"),
        message(database_url, 2, session_id="s2"),
    ]
    meant_for(database_url, ids[0], endpoints[0], "delivered", attempts=1, delivered_at=rows.at(1))
    meant_for(database_url, ids[0], endpoints[1], "given_up", attempts=11, reason="schedule")
    meant_for(database_url, ids[1], endpoints[0])
    meant_for(database_url, ids[2], endpoints[0], "held", reason="old")
    attempt(database_url, ids[0], endpoints[1])
    before = statuses(database_url)
    done = rollcall_here("messages", "redeliver", *arguments, DATABASE_URL=database_url)
    assert done.returncode == 0, done.stderr
    again = {(ids[place], endpoints[which]): "pending" for place, which in expected}
    assert statuses(database_url) == before | again
    assert done.stdout == f"{len(expected)} {'message goes' if len(expected) == 1 else 'messages go'} out.\n"
    if len(expected) > 1:
        assert f"{len(expected)} messages go to" in done.stderr


def test_nothing_goes_to_disabled_endpoints_and_nothing_without_a_choice(
    rollcall_here: Rollcall, database_url: str
) -> None:
    endpoint_id = endpoint(database_url)
    meant_for(database_url, message(database_url, 1), endpoint_id, "delivered", delivered_at=rows.at(1))
    rollcall_here("endpoints", "disable", endpoint_id, DATABASE_URL=database_url)
    done = rollcall_here("messages", "redeliver", "--status", "delivered", DATABASE_URL=database_url)
    assert done.stdout == "0 messages go out.\n"
    assert "1 more are for disabled endpoints" in done.stderr
    assert set(statuses(database_url).values()) == {"delivered"}
    for arguments in ((), ("--status", "pending")):
        assert rollcall_here("messages", "redeliver", *arguments, DATABASE_URL=database_url).returncode == 2


@pytest.fixture
def receiver(folder: Path, database_url: str) -> Iterator[Listening]:
    """`rollcall listen`, which fails the first message, and the process that sends to it."""
    settings = {"DATABASE_URL": database_url, "SECRETS_KEY": KEY, "AUTOMATIONS_ALLOW": "127.0.0.1/32"}
    with (
        listening(folder, "--fail", "1", stdin=b"", **settings) as listener,
        (folder / "automations.log").open("wb") as log,
    ):
        process = subprocess.Popen(
            [sys.executable, "-m", "automations"],
            cwd=folder,
            env={"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT), "METRICS_PORT": str(free_port()), **settings},
            stdout=log,
            stderr=log,
        )
        try:
            yield listener
        finally:
            process.terminate()
            process.wait(30)


def test_a_test_message_goes_the_way_of_all_others_and_the_command_says_what_came_of_it(
    rollcall_here: Rollcall, database_url: str, receiver: Listening
) -> None:
    endpoint_id = endpoint(database_url, receiver.url, types=("session.*",))
    failed = rollcall_here("endpoints", "test", endpoint_id, "--wait", "60", DATABASE_URL=database_url)
    assert failed.returncode == 1, failed.stderr
    assert "was not delivered: answer 500" in failed.stdout
    done = rollcall_here(
        *("endpoints", "test", endpoint_id, "--message", "Ünal", "--wait", "60", "--json"), DATABASE_URL=database_url
    )
    assert done.returncode == 0, done.stderr
    [tried] = json.loads(done.stdout)
    assert (tried["status"], tried["number"], tried["error"]) == (204, 1, None)
    assert any("verified" in line and "Ünal" in line for line in receiver.lines)


def test_without_the_process_that_sends_a_test_says_so(rollcall_here: Rollcall, database_url: str) -> None:
    done = rollcall_here("endpoints", "test", endpoint(database_url), "--wait", "0", DATABASE_URL=database_url)
    assert done.returncode == 1
    assert "Does the process `automations` run" in done.stderr
