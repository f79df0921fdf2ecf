"""`rollcall replay` on a ledger of real bodies."""

import json
from datetime import UTC, datetime
from pathlib import Path

import psycopg
import pytest

from tests.console.commands import rows
from tests.console.conftest import Rollcall

PAYLOADS = Path(__file__).parents[2] / "payloads" / "dyte"


@pytest.fixture
def ledger(database_url: str) -> dict[str, str]:
    """Three deliveries that were set aside by an older version, by the event that they are of; the tables are empty."""
    ids = {}
    for minute, name in enumerate(("01-meeting.started", "10-meeting.ended")):
        payload = json.loads((PAYLOADS / f"{name}.json").read_bytes())
        event = payload["event"]
        ids[event] = str(rows.delivery(database_url, rows.at(minute), status="unknown", event=event, payload=payload))
    ids["none"] = str(
        rows.delivery(database_url, datetime.now(UTC), status="quarantined", event=None, session_id=None, raw=b"{")
    )
    return ids


def sessions(url: str) -> list[tuple[str, str]]:
    with psycopg.connect(url) as connection:
        return connection.execute("SELECT id, status FROM rollcall.sessions").fetchall()


def test_deliveries_of_a_status_are_processed_again(
    rollcall: Rollcall, database_url: str, ledger: dict[str, str]
) -> None:
    done = rollcall("replay", "--status", "unknown", DATABASE_URL=database_url)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == "Replayed 2 deliveries: 2 processed.\n"
    assert sessions(database_url) == [(rows.SESSION, "ended")]


def test_a_delivery_that_still_can_not_be_read_stays_quarantined(
    rollcall: Rollcall, database_url: str, ledger: dict[str, str]
) -> None:
    done = rollcall("replay", "--since", "1h", DATABASE_URL=database_url)
    assert done.stdout == "Replayed 1 delivery: 1 quarantined.\n"
    assert sessions(database_url) == []


def test_the_whole_ledger_can_be_replayed_and_twice_changes_nothing(
    rollcall: Rollcall, database_url: str, ledger: dict[str, str]
) -> None:
    for _ in range(2):
        done = rollcall("replay", "--all", DATABASE_URL=database_url)
        assert done.stdout == "Replayed 3 deliveries: 2 processed, 1 quarantined.\n"
        assert sessions(database_url) == [(rows.SESSION, "ended")]


def test_one_delivery_is_named_by_the_start_of_its_id(
    rollcall: Rollcall, database_url: str, ledger: dict[str, str]
) -> None:
    done = rollcall("replay", "--delivery", ledger["meeting.started"][:23], DATABASE_URL=database_url)
    assert done.returncode == 0
    assert "1 processed" in done.stdout
    assert sessions(database_url) != []


def test_deliveries_of_another_organization_are_foreign_until_that_is_set(
    rollcall: Rollcall, database_url: str, ledger: dict[str, str]
) -> None:
    done = rollcall("replay", "--status", "unknown", DATABASE_URL=database_url, ORGANIZATION_IDS="another")
    assert "2 foreign" in done.stdout
    done = rollcall("replay", "--status", "foreign", DATABASE_URL=database_url)
    assert "2 processed" in done.stdout


def test_where_no_delivery_fits_it_says_so(rollcall: Rollcall, database_url: str) -> None:
    done = rollcall("replay", "--status", "foreign", DATABASE_URL=database_url)
    assert (done.returncode, done.stdout) == (0, "Nothing was replayed: the ledger has no such delivery.\n")


@pytest.mark.parametrize(
    "arguments", [(), ("--all", "--status", "unknown"), ("--since", "1d", "--delivery", "0123"), ("--status", "lost")]
)
def test_a_choice_that_is_none_is_told_before_anything_is_done(
    rollcall: Rollcall, database_url: str, ledger: dict[str, str], arguments: tuple[str, ...]
) -> None:
    done = rollcall("replay", *arguments, DATABASE_URL=database_url)
    assert (done.returncode, done.stdout) == (2, "")
    assert "Error: Invalid value for " in done.stderr
    assert sessions(database_url) == []


def test_a_delivery_that_is_not_there_is_one_line(rollcall: Rollcall, database_url: str) -> None:
    done = rollcall("replay", "--delivery", "0123", DATABASE_URL=database_url)
    assert (done.returncode, done.stderr.count("\n")) == (1, 1)


def test_without_room_in_var_dir_nothing_is_replayed_and_it_says_so(
    rollcall: Rollcall, database_url: str, ledger: dict[str, str], tmp_path: Path
) -> None:
    (tmp_path / "file").touch()
    done = rollcall("replay", "--all", DATABASE_URL=database_url, VAR_DIR=str(tmp_path / "file" / "var"))
    assert done.returncode == 1
    assert "No room in VAR_DIR" in done.stderr
    assert sessions(database_url) == []
