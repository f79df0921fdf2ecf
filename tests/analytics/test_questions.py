"""Every statement of docs/analytics.md, on rows whose answer is known."""

import re
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import psycopg
import pytest

from tests.analytics.conftest import NINE, Rows
from workers.queue.delivery import new_delivery_id

PAGE = (Path(__file__).parents[2] / "docs" / "analytics.md").read_text(encoding="utf-8")
SECTIONS = re.split(r"^##+ ", PAGE, flags=re.MULTILINE)
STATEMENTS = {
    section.splitlines()[0]: re.findall(r"^```sql\n(.*?)^```", section, flags=re.MULTILINE | re.DOTALL)
    for section in SECTIONS
}
QUESTIONS = {heading: blocks[0] for heading, blocks in STATEMENTS.items() if heading[0].isdigit()}

TUESDAY = NINE + timedelta(days=1)
NIGHT = datetime(2026, 3, 31, 23, tzinfo=UTC)
LOST = datetime(2026, 3, 10, 9, tzinfo=UTC)

VALUES = {
    "session": "lesson",
    "moment": NINE + timedelta(minutes=22),
    "person": "ben",
    "meeting": "algebra",
    "since": datetime(2026, 3, 1, tzinfo=UTC),
    "until": datetime(2026, 4, 1, tzinfo=UTC),
    "organization": "academy",
}
# Where a question is asked with other values than these.
OTHER_VALUES: dict[int, dict[str, Any]] = {
    9: {"until": TUESDAY},
    10: {"until": TUESDAY},
    17: {"organization": "college"},
}

ANSWERS: dict[int, list[tuple[Any, ...]]] = {
    1: [("ben", "Ben", 58)],
    2: [("dara",)],
    3: [("ben", timedelta(minutes=10))],
    4: [("ben", timedelta(minutes=10))],
    5: [("ana",), ("cleo",)],
    6: [("ben", 1)],
    7: [(NINE, 35), (TUESDAY, 0)],
    8: [(NINE + timedelta(minutes=30), 4)],
    9: [(9, 184)],
    10: [(NINE + timedelta(minutes=30), 4)],
    11: [
        ("academy", "Harbour Academy", date(2026, 3, 1), 2, Decimal("214.00"), Decimal("40.00")),
        ("college", None, date(2026, 3, 1), 2, Decimal("120.00"), Decimal("0.00")),
    ],
    12: [("lesson", "Algebra II", NINE, Decimal("184.00")), ("second", None, TUESDAY, Decimal("30.00"))],
    13: [("algebra", "Algebra", 214), ("club", None, 120)],
    14: [("expiring", "algebra-14.mp4")],
    15: [("stuck", "UPLOADING", NINE + timedelta(minutes=60))],
    16: [("lost", None, LOST, LOST + timedelta(minutes=30))],
    17: [(date(2026, 3, 31), Decimal("60.00")), (date(2026, 4, 1), Decimal("60.00"))],
    18: [(Decimal("14.3"),)],
    19: [("quarantined", None, "no JSON", 1, NINE)],
    20: [("ben", "Ben", NINE, "below_threshold", 58), ("dora", None, NINE, "no_show", 0)],
    22: [(date(2026, 3, 2), Decimal("85.7"), Decimal("0.00")), (date(2026, 3, 3), Decimal("60.0"), Decimal("0.00"))],
    23: [(Decimal("100.0"), Decimal("100.0"), Decimal("100.0"), Decimal("85.7"))],
    24: [("second", None, TUESDAY), ("night", None, NIGHT)],
    25: [("night", Decimal("120.00"), Decimal(100), Decimal("20.00")), ("second", Decimal("30.00"), Decimal("30.5"))],
    26: [],
    21: [("ben", 0, 1), ("dora", 0, 1), ("ana", 1, 1)],
}


@pytest.fixture
def known(rows: Rows) -> Rows:
    """Two lessons of one course, a club's night, a session whose end got lost, recordings, and a body that was none."""

    def stay(person: str, begin: float, end: float, start: datetime = NINE, **columns: Any) -> None:
        rows.connection_of(person, start + timedelta(minutes=begin), start + timedelta(minutes=end), **columns)

    rows.connection.execute("INSERT INTO rollcall.organizations (id, name) VALUES ('academy', 'Harbour Academy')")
    rows.connection.execute("INSERT INTO rollcall.meetings (id, title) VALUES ('algebra', 'Algebra')")
    rows.session("lesson", NINE, NINE + timedelta(minutes=60), meeting_id="algebra", title="Algebra II")
    stay("ana", 0, 60)
    stay("ben", 10, 20, display_name="Ben")
    stay("ben", 25, 50)
    stay("cleo", 1, 60)
    stay("cleo", 30, 60)
    rows.session("second", TUESDAY, TUESDAY + timedelta(minutes=30), meeting_id="algebra")
    stay("ana", 0, 30, TUESDAY, session_id="second", left_source="session_end")
    rows.session("night", NIGHT, NIGHT + timedelta(minutes=120), meeting_id="club", organization_id="college")
    stay("eve", 0, 120, NIGHT, session_id="night")
    rows.session("lost", LOST, last_event_at=LOST + timedelta(minutes=30), meeting_id="club", organization_id="college")
    now = datetime.now(UTC)
    arrived = {"status": "UPLOADED", "file_name": "algebra-14.mp4"}
    rows.recording(id="expiring", duration_seconds=1800, download_url_expires_at=now + timedelta(days=1), **arrived)
    rows.recording(
        id="fresh",
        session_id="second",
        duration_seconds=600,
        download_url_expires_at=now + timedelta(days=5),
        **arrived,
    )
    rows.recording(id="stuck", status="UPLOADING")
    rows.connection.execute(
        "INSERT INTO rollcall.deliveries (id, provider, body_sha256, received_at, status, error) "
        "VALUES (%s, 'dyte', '', %s, 'quarantined', 'no JSON')",
        [new_delivery_id(NINE), NINE],
    )
    for session, minutes, participants in (("lesson", 184, 5), ("second", 30.5, 1), ("night", 100, 1)):
        rows.connection.execute("UPDATE rollcall.sessions SET api_minutes = %s WHERE id = %s", [minutes, session])
        rows.connection.execute(
            "INSERT INTO rollcall.lookups VALUES (%s, now(), true, true, %s, true)", [session, participants]
        )
    rows.connection.execute("UPDATE rollcall.deliveries SET session_id = 'lesson'")
    for person, name, minimum in (("ana", None, 0.8), ("ben", "Ben", 0.8), ("dora", None, None)):
        rows.connection.execute(
            "INSERT INTO rollcall.roster VALUES ('algebra', %s, %s, %s, %s, %s)",
            [person, NINE, NINE + timedelta(minutes=60), name, minimum],
        )
    return rows


def number(heading: str) -> int:
    return int(heading.split(".", maxsplit=1)[0])


def test_every_question_has_one_statement_and_an_answer_here() -> None:
    assert [number(heading) for heading in QUESTIONS] == sorted(ANSWERS)
    assert all(len(STATEMENTS[heading]) == 1 for heading in QUESTIONS)


@pytest.mark.parametrize("heading", QUESTIONS)
def test_the_statement_answers_the_question(heading: str, known: Rows) -> None:
    answers = ANSWERS[number(heading)]
    rows = [tuple(row.values()) for row in known.ask(prepared(heading))]
    # Of what depends on today the beginning of a row says enough.
    assert [row[: len(answer)] for row, answer in zip(rows, answers, strict=True)] == answers


def prepared(heading: str) -> str:
    """The statement as psql would send it, with the values in the place of its variables."""
    values = {**VALUES, **OTHER_VALUES.get(number(heading), {})}
    statement = re.sub(r":'(\w+)'", lambda found: f"'{values[found[1]]}'", QUESTIONS[heading])
    return statement.replace("%", "%%")


def test_the_role_reads_all_and_changes_nothing(known: Rows) -> None:
    create, without_deliveries = STATEMENTS["A read-only role"]
    known.connection.execute(create)
    known.connection.execute("SET ROLE rollcall_reader")
    assert known.one("SELECT count(*) FROM rollcall.deliveries")["count"] == 1
    for view in ("session_summary", "attendance", "concurrency", "daily_usage"):
        assert known.ask(f"SELECT * FROM rollcall.{view}")
    for forbidden in (
        "DELETE FROM rollcall.sessions",
        "UPDATE rollcall.participants SET left_at = now()",
        "CREATE TABLE rollcall.mine ()",
    ):
        refused(known, forbidden)
    known.connection.execute("RESET ROLE")
    known.connection.execute("CREATE TABLE rollcall.added_later ()")
    known.connection.execute(without_deliveries)
    known.connection.execute("SET ROLE rollcall_reader")
    known.ask("SELECT * FROM rollcall.added_later")
    assert known.ask("SELECT * FROM rollcall.daily_usage")
    for kept_back in ("deliveries", "messages", "endpoints", "endpoint_secrets"):
        refused(known, f"SELECT * FROM rollcall.{kept_back}")


def refused(rows: Rows, statement: str) -> None:
    with pytest.raises(psycopg.errors.InsufficientPrivilege), rows.connection.transaction():
        rows.connection.execute(statement)
