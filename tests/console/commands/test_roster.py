"""`rollcall roster` on real tables."""

import json
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import psycopg
import pytest

from tests.console.commands import rows
from tests.console.conftest import Rollcall

HEADER = "meeting_id,person,starts_at,ends_at,display_name,minimum_share\n"


def roster(url: str) -> list[tuple[Any, ...]]:
    with psycopg.connect(url) as connection:
        connection.execute("SET TIME ZONE 'UTC'")
        return connection.execute(
            "SELECT meeting_id, person, starts_at, ends_at, display_name, minimum_share "
            "FROM rollcall.roster ORDER BY meeting_id, person"
        ).fetchall()


def write(folder: Path, text: str, encoding: str = "utf-8") -> str:
    (folder / "roster.csv").write_text(text, encoding=encoding, newline="")
    return "roster.csv"


def test_a_file_is_imported_and_a_second_one_updates_by_key(
    rollcall_here: Rollcall, database_url: str, folder: Path
) -> None:
    first = write(
        folder,
        "Person, ends_at ,MEETING_ID,starts_at,minimum_share,display_name\r\n"
        'student-1,2026-03-02T11:00+01:00,m1,2026-03-02T10:00+01:00,0.8,"Ünal, Ayşe"\r\n'
        "\r\n"
        "student-2,2026-03-02 10:00Z,m1,2026-03-02 09:00Z,,\r\n",
        "utf-8-sig",
    )
    done = rollcall_here("roster", "import", first, DATABASE_URL=database_url)
    assert (done.stdout, done.stderr) == ("Imported 2 lines: 2 new, 0 updated.\n", "")
    nine, ten = datetime(2026, 3, 2, 9, tzinfo=UTC), datetime(2026, 3, 2, 10, tzinfo=UTC)
    assert roster(database_url) == [
        ("m1", "student-1", nine, ten, "Ünal, Ayşe", Decimal("0.8")),
        ("m1", "student-2", nine, ten, None, None),
    ]
    second = write(folder, HEADER + "m1,student-1,2026-03-02T09:00Z,2026-03-02T09:30Z,,1\n")
    done = rollcall_here("roster", "import", second, DATABASE_URL=database_url)
    assert done.stdout == "Imported 1 line: 0 new, 1 updated.\n"
    assert roster(database_url)[0] == ("m1", "student-1", nine, nine.replace(minute=30), None, Decimal(1))


@pytest.mark.parametrize("separator", [";", "\t"])
def test_a_spreadsheets_other_separators_are_taken(
    rollcall_here: Rollcall, database_url: str, folder: Path, separator: str
) -> None:
    text = (HEADER + "m1,p,2026-03-02T09:00Z,2026-03-02T10:00Z,,0.5\n").replace(",", separator)
    assert rollcall_here("roster", "import", write(folder, text), DATABASE_URL=database_url).returncode == 0
    assert len(roster(database_url)) == 1


def test_times_without_an_offset_are_in_the_zone_that_is_named(
    rollcall_here: Rollcall, database_url: str, folder: Path
) -> None:
    file = write(folder, HEADER + "m1,p,2026-07-01 09:00,2026-07-01 10:00,,\n")
    refused = rollcall_here("roster", "import", file, DATABASE_URL=database_url)
    assert refused.returncode == 1
    assert "line 2: starts_at has no offset" in refused.stderr
    assert rollcall_here("roster", "import", file, "--tz", "Europe/Berlin", DATABASE_URL=database_url).returncode == 0
    assert roster(database_url)[0][2] == datetime(2026, 7, 1, 7, tzinfo=UTC)
    assert rollcall_here("roster", "import", file, "--tz", "Europe/Nowhere", DATABASE_URL=database_url).returncode == 2


BAD = [
    ("m1,,2026-03-02T09:00Z,2026-03-02T10:00Z,,", "person is empty"),
    ("m1,p,yesterday,2026-03-02T10:00Z,,", "starts_at is no time"),
    ("m1,p,2026-03-02,2026-03-02T10:00Z,,", "starts_at is a date without a time"),
    ("m1,p,2026-03-02T09:00Z,2026-03-02T09:00Z,,", "ends_at is not after starts_at"),
    ("m1,p,2026-03-02T09:00Z,2026-03-02T10:00Z,,80", "no number from 0 to 1"),
    ("m1,p,2026-03-02T09:00Z,2026-03-02T10:00Z,,nan", "no number from 0 to 1"),
    ("m1,p,2026-03-02T09:00Z,2026-03-02T10:00Z", "it has 4 cells"),
    ("m1,p,2026-03-29T02:30,2026-03-29T04:00,,", "clocks in Europe/Berlin leave out"),
    ("m1,p,2026-10-25T02:30,2026-10-25T04:00,,", "comes twice in Europe/Berlin"),
    ("m1,p\x00,2026-03-02T09:00Z,2026-03-02T10:00Z,,", "NUL"),
    ("m1,good,2026-03-02T10:00+01:00,2026-03-02T10:00Z,,", "as line 2"),
    ("m1,p,0001-01-01T00:00+14:00,2026-03-02T10:00Z,,", "starts_at is no time"),
]


def test_bad_lines_are_named_by_their_numbers_and_nothing_is_imported(
    rollcall_here: Rollcall, database_url: str, folder: Path
) -> None:
    good = "m1,good,2026-03-02T09:00Z,2026-03-02T10:00Z,,"
    file = write(folder, HEADER + "\n".join([good, *(line for line, _ in BAD)]) + "\n")
    done = rollcall_here("roster", "import", file, "--tz", "Europe/Berlin", DATABASE_URL=database_url)
    assert (done.returncode, done.stdout) == (1, "")
    assert "nothing was imported" in done.stderr
    named = done.stderr.splitlines()[1:]
    assert [line.partition(":")[0] for line in named] == [f"line {number}" for number in range(3, 3 + len(BAD))]
    for line, (_, says) in zip(named, BAD, strict=True):
        assert says in line
    assert roster(database_url) == []


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"", "no column meeting_id"),
        (b"meeting_id,person,starts_at,ends_at,mail\n", "an unknown column 'mail'"),
        (b"meeting_id,person,starts_at,ends_at,person\n", "the column person twice"),
        (HEADER.encode() + b"m1,p\xff", "line 2 is not UTF-8"),
        (HEADER.encode() + b'm1,"p" p,', "line 2 is not CSV"),
    ],
)
def test_a_file_that_is_no_roster_is_refused(
    rollcall_here: Rollcall, database_url: str, folder: Path, content: bytes, says: str
) -> None:
    (folder / "roster.csv").write_bytes(content)
    done = rollcall_here("roster", "import", "roster.csv", DATABASE_URL=database_url)
    assert done.returncode == 1
    assert says in done.stderr


def test_a_file_that_is_not_there_is_a_line(rollcall_here: Rollcall, database_url: str) -> None:
    done = rollcall_here("roster", "import", "missing.csv", DATABASE_URL=database_url)
    assert (done.returncode, len(done.stderr.splitlines())) == (1, 1)


def test_clearing_takes_what_is_chosen_and_nothing_unasked(
    rollcall_here: Rollcall, database_url: str, folder: Path
) -> None:
    lines = [f"m{number},p,2026-03-0{number}T09:00Z,2026-03-0{number}T10:00Z,," for number in (1, 2, 3)]
    rollcall_here("roster", "import", write(folder, HEADER + "\n".join(lines)), DATABASE_URL=database_url)
    for arguments in ((), ("--all", "--meeting", "m1")):
        assert rollcall_here("roster", "clear", *arguments, DATABASE_URL=database_url).returncode == 2
    assert len(roster(database_url)) == 3
    done = rollcall_here("roster", "clear", "--before", "2026-03-02", DATABASE_URL=database_url)
    assert done.stdout == "Removed 1 row of the roster.\n"
    rollcall_here("roster", "clear", "--meeting", "m3", DATABASE_URL=database_url)
    assert [row[0] for row in roster(database_url)] == ["m2"]
    rollcall_here("roster", "clear", "--all", DATABASE_URL=database_url)
    assert roster(database_url) == []


def test_a_list_says_who_came(rollcall_here: Rollcall, database_url: str, folder: Path) -> None:
    rows.session(database_url, status="ended", ended_at=rows.at(60), last_event_at=rows.at(60))
    rows.participant(database_url, "p1", custom_participant_id="ben", joined_at=rows.at(0), left_at=rows.at(30))
    lines = [
        f"m1,{person},2026-03-02T09:00Z,2026-03-02T10:00Z,{name},0.8"
        for person, name in (("ada", ""), ("ben", "B\x1b"))
    ]
    rollcall_here("roster", "import", write(folder, HEADER + "\n".join(lines)), DATABASE_URL=database_url)
    done = rollcall_here("roster", "list", "--meeting", "m1", DATABASE_URL=database_url)
    assert [line.split()[5:] for line in done.stdout.splitlines()[1:]] == [
        ["ada", "-", "no_show", "0:00:00", "0%"],
        ["ben", "B�", "below_threshold", "0:30:00", "50%"],
    ]
    [ada, _] = json.loads(rollcall_here("roster", "list", "--json", DATABASE_URL=database_url).stdout)
    assert (ada["person"], ada["sessions"], ada["minimum_share"]) == ("ada", 1, 0.8)
