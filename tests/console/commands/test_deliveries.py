"""`rollcall deliveries` on real tables."""

import json
from datetime import UTC, datetime, timedelta

import pytest

from tests.console.commands import rows
from tests.console.conftest import Rollcall


def test_the_latest_delivery_comes_first_with_its_error(rollcall: Rollcall, database_url: str) -> None:
    first = rows.delivery(database_url, rows.at(0))
    second = rows.delivery(
        database_url, rows.at(1), event=None, session_id=None, status="quarantined", error="not JSON", raw=b"{"
    )
    done = rollcall("deliveries", DATABASE_URL=database_url)
    assert [line.split() for line in done.stdout.splitlines()[1:]] == [
        [str(second), "2026-03-02", "09:01:00", "quarantined", "-", "-", "not", "JSON"],
        [str(first), "2026-03-02", "09:00:00", "processed", "meeting.started", rows.SESSION, "-"],
    ]


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ((), [2, 1, 0]),
        (("--limit", "1"), [2]),
        (("--status", "unknown"), [1]),
        (("--session", "s2"), [1]),
        (("--since", "1h"), [2]),
    ],
)
def test_options_choose_deliveries(
    rollcall: Rollcall, database_url: str, arguments: tuple[str, ...], expected: list[int]
) -> None:
    ids = [
        rows.delivery(database_url, rows.at(0)),
        rows.delivery(database_url, rows.at(1), status="unknown", session_id="s2"),
        rows.delivery(database_url, datetime.now(UTC) - timedelta(minutes=1)),
    ]
    done = rollcall("deliveries", "--json", *arguments, DATABASE_URL=database_url)
    assert [found["id"] for found in json.loads(done.stdout)] == [str(ids[place]) for place in expected]


def test_one_delivery_is_shown_whole(rollcall: Rollcall, database_url: str) -> None:
    shown = rows.delivery(database_url, rows.at(0), payload={"event": "meeting.started", "title": "花子"})
    done = rollcall("deliveries", str(shown)[:18], DATABASE_URL=database_url)
    assert f"id            {shown}\n" in done.stdout
    assert "received_at   2026-03-02 09:00:00 UTC\n" in done.stdout
    assert '  "title": "花子"\n' in done.stdout


def test_bytes_that_are_no_json_are_shown_without_writing_to_the_terminal(
    rollcall: Rollcall, database_url: str
) -> None:
    shown = rows.delivery(database_url, rows.at(0), raw=b"\x1b[2J\xff{")
    assert rollcall("deliveries", str(shown), DATABASE_URL=database_url).stdout.endswith("\n\n�[2J�{\n")
    [whole] = json.loads(rollcall("deliveries", str(shown), "--json", DATABASE_URL=database_url).stdout)
    assert whole["raw"] == "G1sySv97"


def test_a_delivery_that_is_not_there_is_one_line(rollcall: Rollcall, database_url: str) -> None:
    for wrong in ("0123", "no-id", ""):
        done = rollcall("deliveries", wrong, DATABASE_URL=database_url)
        assert (done.returncode, done.stdout, done.stderr.count("\n")) == (1, "", 1)
