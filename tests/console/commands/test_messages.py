"""`rollcall messages` on real tables."""

import json

import pytest

from tests.console.commands.messages import attempt, endpoint, meant_for, message
from tests.console.conftest import Rollcall


@pytest.fixture
def two(database_url: str) -> tuple[str, str]:
    """Two endpoints, and messages in each status."""
    first, second = endpoint(database_url, "https://example.com/1"), endpoint(database_url, "https://example.com/2")
    ids = [
        message(database_url, number, type_, session_id=session_id)
        for number, (type_, session_id) in enumerate(
            [
                ("session.started", "s1"),
                ("participant.joined", "s1"),
                ("session.settled", "s1"),
                ("session.started", "s2"),
                ("delivery.quarantined", None),
            ]
        )
    ]
    meant_for(database_url, ids[0], first, "delivered", attempts=2, delivered_at="2026-03-02 09:10+00")
    meant_for(database_url, ids[0], second, "given_up", attempts=11, reason="schedule")
    meant_for(database_url, ids[1], first, "pending", next_attempt_at="infinity")
    meant_for(database_url, ids[2], first, "held", reason="old")
    meant_for(database_url, ids[3], second)
    attempt(database_url, ids[0], first, 1)
    attempt(database_url, ids[0], first, 2, status=200, error=None)
    return first, second


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ((), [4, 3, 2, 1, 0, 0]),
        (("--limit", "2"), [4, 3]),
        (("--status", "given_up"), [0]),
        (("--status", "held"), [2]),
        (("--type", "session.started"), [3, 0, 0]),
        (("--type", "session.*"), [3, 2, 0, 0]),
        (("--type", "session_started"), []),
        (("--session", "s1"), [2, 1, 0, 0]),
        (("--since", "2026-03-02T09:03Z"), [4, 3]),
        (("--endpoint", "https://example.com/2"), [3, 0]),
    ],
)
def test_options_choose_messages(
    rollcall_here: Rollcall,
    database_url: str,
    two: tuple[str, str],
    arguments: tuple[str, ...],
    expected: list[int],
) -> None:
    done = rollcall_here("messages", "list", "--json", *arguments, DATABASE_URL=database_url)
    assert [int(row["id"][4:12]) for row in json.loads(done.stdout)] == expected


def test_a_line_says_what_has_become_of_a_message_for_an_endpoint(
    rollcall_here: Rollcall, database_url: str, two: tuple[str, str]
) -> None:
    done = rollcall_here("messages", "list", "--status", "given_up", DATABASE_URL=database_url)
    heading, line = done.stdout.splitlines()
    assert heading.split()[:2] == ["MESSAGE", "HAPPENED"]
    assert line.split() == [
        *("msg_00000000-0000-5000-8000-000000000000", "2026-03-02", "09:00:00", "session.started", "s1", two[1]),
        *("given_up", "11", "-", "schedule"),
    ]


def test_one_message_is_shown_with_its_body_and_each_try(
    rollcall_here: Rollcall, database_url: str, two: tuple[str, str]
) -> None:
    shown = rollcall_here("messages", "show", "00000000", DATABASE_URL=database_url).stdout
    assert '"title": "Algebra \\u001b[2J"' in shown
    assert "\x1b" not in shown
    assert "answered 500" in shown
    assert "2026-03-02 09:10:00" in shown
    [whole] = json.loads(rollcall_here("messages", "show", "msg_00000000", "--json", DATABASE_URL=database_url).stdout)
    assert whole["body"]["data"]["session"]["title"] == "Algebra \x1b[2J"
    assert [one["status"] for one in whole["deliveries"]] == ["delivered", "given_up"]
    assert [one["status"] for one in whole["attempts"]] == [500, 200]


def test_a_message_that_is_not_there_or_not_one_is_a_line(
    rollcall_here: Rollcall, database_url: str, two: tuple[str, str]
) -> None:
    for asked, says in (("msg_9", "There is no message"), ("msg_0", "Several messages"), ("", "There is no message")):
        done = rollcall_here("messages", "show", asked, DATABASE_URL=database_url)
        assert (done.returncode, done.stdout) == (1, "")
        assert says in done.stderr
