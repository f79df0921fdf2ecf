"""`rollcall export`: files of any size, whole or not at all."""

import csv
import subprocess
from pathlib import Path

import arro3.io
import psycopg
import pytest
from psycopg import sql

from console.exports.spreadsheet_text import spreadsheet_text, spreadsheet_text_sql
from tests.console.commands.rows import NINE, SESSION, at, insert, participant, session
from tests.console.conftest import ROLLCALL, Rollcall

HEADINGS = {
    "attendance": [
        "session_id",
        "person",
        "display_name",
        "first_joined_at",
        "last_left_at",
        "connections",
        "attended_seconds",
    ],
    "sessions": [
        "session_id",
        "meeting_id",
        "organization_id",
        "title",
        "status",
        "started_at",
        "ended_at",
        "duration_seconds",
        "people",
        "connections",
        "peak_concurrency",
        "participant_minutes",
        "recording_minutes",
    ],
    "participants": [
        "session_id",
        "peer_id",
        "custom_participant_id",
        "display_name",
        "preset_name",
        "joined_at",
        "left_at",
        "left_source",
    ],
    "recordings": [
        "id",
        "session_id",
        "meeting_id",
        "status",
        "invoked_at",
        "started_at",
        "stopped_at",
        "duration_seconds",
        "file_size",
        "file_name",
        "download_url",
        "audio_download_url",
        "download_url_expires_at",
        "stop_reason",
    ],
}


@pytest.fixture
def lesson(database_url: str) -> str:
    """One lesson of an hour: Ana twice, Ben once, and a recording."""
    session(database_url, status="ended", ended_at=at(60), last_event_at=at(60))
    ana = {"custom_participant_id": "ana", "display_name": 'Ana "the first", Ruiz\n👩🏽‍🏫', "left_source": "event"}
    participant(database_url, "a1", joined_at=at(0), left_at=at(10), **ana)
    participant(database_url, "a2", joined_at=at(20), left_at=at(60.5), **ana)
    participant(database_url, "b1", joined_at=at(5), left_at=at(60), left_source="session_end")
    insert(database_url, "recordings", id="r1", session_id=SESSION, duration_seconds=1800.5, file_size=1 << 40)
    return database_url


def lines(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(text.splitlines(keepends=True)))


@pytest.mark.parametrize("content", HEADINGS)
def test_each_export_has_the_columns_that_people_rely_on(content: str, lesson: str, rollcall: Rollcall) -> None:
    exported = rollcall("export", content, DATABASE_URL=lesson)
    assert exported.returncode == 0, exported.stderr
    assert exported.stdout.splitlines()[0].split(",") == HEADINGS[content]


def test_csv_keeps_any_name_and_writes_times_in_utc(lesson: str, rollcall: Rollcall) -> None:
    exported = lines(rollcall("export", "attendance", DATABASE_URL=lesson).stdout)
    ana = next(row for row in exported if row["person"] == "ana")
    assert ana == {
        "session_id": SESSION,
        "person": "ana",
        "display_name": 'Ana "the first", Ruiz\n👩🏽‍🏫',
        "first_joined_at": "2026-03-02T09:00:00Z",
        "last_left_at": "2026-03-02T10:00:30Z",
        "connections": "2",
        "attended_seconds": "3030.0",
    }
    assert {row["display_name"] for row in exported if row["person"] == "b1"} == {""}


@pytest.mark.parametrize("content", HEADINGS)
def test_a_parquet_file_holds_the_same_rows_with_their_types(
    content: str, lesson: str, rollcall: Rollcall, tmp_path: Path
) -> None:
    file = tmp_path / "out.parquet"
    exported = rollcall("export", content, "--format", "parquet", "--output", str(file), DATABASE_URL=lesson)
    assert (exported.returncode, exported.stdout, exported.stderr) == (0, "", "")
    table = arro3.io.read_parquet(file).read_all()
    assert table.column_names == HEADINGS[content]
    assert table.num_rows == len(lines(rollcall("export", content, DATABASE_URL=lesson).stdout))
    if content == "attendance":
        people = dict(zip(table["person"].to_pylist(), table["attended_seconds"].to_pylist(), strict=True))
        assert people == {"ana": 3030.0, "b1": 3300.0}
        assert min(table["first_joined_at"].to_pylist()) == NINE


NAMES = [
    "=1+1",
    "+1",
    "-1",
    "@SUM(A1)",
    "\t=1",
    "\r=1",
    " =1",
    '"=1',
    "'=1",
    "\ufeff=1",
    "\u00a0@x",
    "\u202e=1",
    "\N{FULLWIDTH EQUALS SIGN}1",
    "\N{FULLWIDTH PLUS SIGN}1",
    "\N{FULLWIDTH HYPHEN-MINUS}1",
    "\N{FULLWIDTH COMMERCIAL AT}x",
    "\N{SMALL EQUALS SIGN}1",
]
HARMLESS = ["Ana", "a=b", "1-2", "Ruiz, Ana", "{=1}", "日本", "\N{LEFT SINGLE QUOTATION MARK}quoted", " blank", "é"]


@pytest.mark.parametrize("arguments", [(), ("--raw",), ("--format", "parquet")], ids=["csv", "raw", "parquet"])
def test_a_text_that_a_spreadsheet_would_run_is_shown_instead(
    arguments: tuple[str, ...], lesson: str, rollcall: Rollcall, tmp_path: Path
) -> None:
    given = [*NAMES, *HARMLESS]
    for place, name in enumerate(given):
        participant(lesson, f"-{place}", display_name=name, joined_at=at(0))
    insert(lesson, "recordings", id="=r", session_id=SESSION, duration_seconds=-5, file_name="@f", stop_reason="+s")
    file = tmp_path / "out"
    content = "participants"
    exported = rollcall("export", content, *arguments, "--output", str(file), DATABASE_URL=lesson)
    assert (exported.returncode, exported.stderr) == (0, "")
    if "parquet" in arguments:
        table = arro3.io.read_parquet(file).read_all()
        peers, names = table["peer_id"].to_pylist(), table["display_name"].to_pylist()
        assert {f"-{place}": name for place, name in enumerate(given)}.items() <= dict(
            zip(peers, names, strict=True)
        ).items()
        return
    with file.open(encoding="utf-8", newline="") as text:
        rows = {row["peer_id"].lstrip("'"): row for row in csv.DictReader(text)}
    mark = "" if "--raw" in arguments else "'"
    assert [rows[f"-{place}"]["peer_id"] for place in range(len(given))] == [f"{mark}-{p}" for p in range(len(given))]
    assert [rows[f"-{place}"]["display_name"] for place in range(len(given))] == [
        *(mark + name for name in NAMES),
        *HARMLESS,
    ]
    recordings = lines(rollcall("export", "recordings", *arguments, DATABASE_URL=lesson).stdout)
    [recording] = [row for row in recordings if row["id"].endswith("=r")]
    assert recording["duration_seconds"] == "-5.0"
    assert [recording[name] for name in ("id", "file_name", "stop_reason")] == [f"{mark}=r", f"{mark}@f", f"{mark}+s"]


def test_python_and_postgres_agree_on_what_a_spreadsheet_would_run(database_url: str) -> None:
    signs = [chr(code) for code in range(1, 0x3100)] + [chr(code) for code in range(0xFE00, 0x10000)]
    texts = [*signs, *(f"{sign}=1" for sign in signs), *(f"x{sign}=1" for sign in signs), *NAMES, *HARMLESS, ""]
    statement = sql.SQL("SELECT {} FROM unnest(%s::text[]) WITH ORDINALITY AS given (name, place) ORDER BY place")
    with psycopg.connect(database_url) as connection:
        found = connection.execute(statement.format(spreadsheet_text_sql("name")), [texts]).fetchall()
    assert [text for (text,) in found] == [spreadsheet_text(text) for text in texts]


def test_since_and_until_choose_by_the_start_of_the_session(lesson: str, rollcall: Rollcall) -> None:
    session(lesson, "later", started_at=at(24 * 60), last_event_at=at(24 * 60))
    participant(lesson, "c1", session_id="later", joined_at=at(24 * 60))

    def sessions(*bounds: str) -> set[str]:
        exported = rollcall("export", "participants", *bounds, DATABASE_URL=lesson)
        return {row["session_id"] for row in lines(exported.stdout)}

    assert sessions() == {SESSION, "later"}
    assert sessions("--since", "2026-03-03") == {"later"}
    assert sessions("--until", "2026-03-03T09:00Z") == {SESSION}
    assert sessions("--since", "2026-03-02T10:00+01:00", "--until", "2026-03-02T09:00:01") == {SESSION}


def test_a_file_that_can_not_be_written_is_told_in_one_line(lesson: str, rollcall: Rollcall, tmp_path: Path) -> None:
    exported = rollcall("export", "sessions", "--output", str(tmp_path / "no" / "out.csv"), DATABASE_URL=lesson)
    assert exported.returncode == 1
    assert len(exported.stderr.splitlines()) == 1
    assert "out.csv can't be written" in exported.stderr


@pytest.mark.parametrize("format_", ["csv", "parquet"])
def test_a_full_disk_is_told_in_one_line(format_: str, lesson: str, tmp_path: Path) -> None:
    with Path("/dev/full").open("wb") as full:
        exported = subprocess.run(
            [ROLLCALL, "export", "participants", "--format", format_],
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            cwd=tmp_path,
            env={"DATABASE_URL": lesson},
            timeout=60,
            check=False,
        )
    assert exported.returncode == 1
    assert exported.stderr == "The output can't be written: No space left on device. Nothing was left behind.\n"


def test_a_reader_that_has_enough_ends_the_export_quietly(lesson: str, tmp_path: Path) -> None:
    with psycopg.connect(lesson) as connection:
        connection.execute(
            "INSERT INTO rollcall.participants (session_id, peer_id) "
            "SELECT %s, 'peer ' || n FROM generate_series(1, 100000) AS n",
            [SESSION],
        )
    with subprocess.Popen(
        [ROLLCALL, "export", "participants"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        cwd=tmp_path,
        env={"DATABASE_URL": lesson},
    ) as exporting:
        assert exporting.stdout is not None
        assert exporting.stderr is not None
        exporting.stdout.readline()
        exporting.stdout.close()
        assert exporting.stderr.read() == b""
        assert exporting.wait(timeout=60) == 0


def test_a_database_without_the_tables_is_told_before_a_file_is_begun(
    empty_database_url: str, rollcall: Rollcall, tmp_path: Path
) -> None:
    file = tmp_path / "out.csv"
    exported = rollcall("export", "sessions", "--output", str(file), DATABASE_URL=empty_database_url)
    assert exported.returncode == 1
    assert "rollcall migrate" in exported.stderr
    assert list(tmp_path.glob("out*")) == []


def test_a_million_rows_take_less_than_200_mb(lesson: str, tmp_path: Path) -> None:
    with psycopg.connect(lesson) as connection:
        connection.execute(
            "INSERT INTO rollcall.participants (session_id, peer_id, custom_participant_id, display_name, joined_at) "
            "SELECT %s, md5(n::text), 'student ' || n, md5((-n)::text), now() FROM generate_series(1, 1000000) AS n",
            [SESSION],
        )
    for format_ in ("csv", "parquet"):
        # A process in between, so that the largest child of it is the export and no other.
        measured = subprocess.run(
            [
                ROLLCALL.parent / "python",
                "-c",
                (
                    "import resource, subprocess, sys; subprocess.run(sys.argv[1:], check=True);"
                    "print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)"
                ),
                *(ROLLCALL, "export", "participants", "--format", format_, "--output", tmp_path / "out"),
            ],
            capture_output=True,
            text=True,
            cwd=tmp_path,
            env={"DATABASE_URL": lesson},
            timeout=300,
            check=True,
        )
        assert int(measured.stdout) < 200_000  # in kB
