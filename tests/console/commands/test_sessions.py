"""`rollcall sessions` on real tables."""

import json
from datetime import UTC, datetime, timedelta

import pytest

from tests.console.commands import rows
from tests.console.conftest import Rollcall


def test_the_latest_session_comes_first_with_what_it_amounted_to(rollcall: Rollcall, database_url: str) -> None:
    rows.session(database_url, "early", started_at=rows.at(-60), ended_at=rows.at(-30), status="ended", title="Früh 🎨")
    rows.session(database_url, started_at=rows.at(0), ended_at=rows.at(52), status="ended")
    rows.session(database_url, "no start", started_at=None)
    rows.participant(database_url, "p1", custom_participant_id="ana", joined_at=rows.at(0), left_at=rows.at(20))
    rows.participant(database_url, "p2", custom_participant_id="ana", joined_at=rows.at(22), left_at=rows.at(52))
    rows.participant(database_url, "p3", custom_participant_id="ben", joined_at=rows.at(1), left_at=rows.at(52))
    done = rollcall("sessions", DATABASE_URL=database_url)
    assert (done.returncode, done.stderr) == (0, "")
    heading, *lines = done.stdout.splitlines()
    assert heading.split() == ["SESSION", "STARTED", "(UTC)", "STATUS", "LENGTH", "PEOPLE", "PEAK", "TITLE"]
    assert lines[0].split() == [rows.SESSION, "2026-03-02", "09:00:00", "ended", "0:52:00", "2", "2", "Algebra", "II"]
    assert lines[1].split() == ["early", "2026-03-02", "08:00:00", "ended", "0:30:00", "0", "0", "Früh", "🎨"]
    assert lines[2].startswith("no start")
    assert len(lines) == 3


def test_json_is_an_array_with_every_column_of_session_summary(rollcall: Rollcall, database_url: str) -> None:
    rows.session(database_url, ended_at=rows.at(1.5), status="ended")
    rows.participant(database_url, "p1", joined_at=rows.at(0), left_at=rows.at(1.5))
    assert json.loads(rollcall("sessions", "--json", DATABASE_URL=database_url).stdout) == [
        {
            "session_id": rows.SESSION,
            "meeting_id": "m1",
            "organization_id": "o1",
            "title": "Algebra II",
            "status": "ended",
            "started_at": "2026-03-02T09:00:00Z",
            "ended_at": "2026-03-02T09:01:30Z",
            "duration_seconds": 90,
            "people": 1,
            "connections": 1,
            "peak_concurrency": 1,
            "participant_minutes": 1.5,
            "recording_minutes": 0,
        }
    ]


def test_without_sessions_json_is_an_empty_array(rollcall: Rollcall, database_url: str) -> None:
    assert json.loads(rollcall("sessions", "--json", DATABASE_URL=database_url).stdout) == []


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ((), ["today", "third", "second", "first"]),
        (("--limit", "2"), ["today", "third"]),
        (("--status", "live"), ["today", "second"]),
        (("--meeting", "m2"), ["third"]),
        (("--since", "2026-03-02T10:30+01:00"), ["today", "third", "second"]),
        (("--since", "2026-03-02T09:30"), ["today", "third", "second"]),
        (("--since", "2026-03-03"), ["today"]),
        (("--since", "2h"), ["today"]),
        (("--status", "ended", "--since", "1d"), []),
    ],
)
def test_options_choose_sessions(
    rollcall: Rollcall, database_url: str, arguments: tuple[str, ...], expected: list[str]
) -> None:
    rows.session(database_url, "first", started_at=rows.at(0), status="ended")
    rows.session(database_url, "second", started_at=rows.at(30))
    rows.session(database_url, "third", started_at=rows.at(60), status="ended", meeting_id="m2")
    rows.session(database_url, "today", started_at=datetime.now(UTC) - timedelta(hours=1))
    done = rollcall("sessions", "--json", *arguments, DATABASE_URL=database_url)
    assert [found["session_id"] for found in json.loads(done.stdout)] == expected


def test_a_title_that_would_write_to_the_terminal_is_only_shown(rollcall: Rollcall, database_url: str) -> None:
    rows.session(database_url, title="a\x1b[2Jb\nc\N{RIGHT-TO-LEFT OVERRIDE}d")
    lines = rollcall("sessions", DATABASE_URL=database_url).stdout.splitlines()
    assert len(lines) == 2
    assert lines[1].endswith("a�[2Jb�c�d")


@pytest.mark.parametrize("arguments", [("--limit", "0"), ("--status", "over"), ("--since", "gestern")])
def test_a_wrong_option_is_told_by_its_name(rollcall: Rollcall, database_url: str, arguments: tuple[str, ...]) -> None:
    done = rollcall("sessions", *arguments, DATABASE_URL=database_url)
    assert (done.returncode, done.stdout) == (2, "")
    assert f"Invalid value for '{arguments[0]}'" in done.stderr
