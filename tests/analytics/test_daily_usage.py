"""`daily_usage`: one row per organization and UTC day."""

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

from tests.analytics.conftest import Rows

Minute = Callable[[float], datetime]
USAGE = "SELECT * FROM rollcall.daily_usage ORDER BY organization_id, day"
ELEVEN_AT_NIGHT = datetime(2026, 3, 31, 23, tzinfo=UTC)


def test_the_documented_columns_are_there_in_order(rows: Rows, minute: Minute) -> None:
    rows.session(end=minute(60))
    rows.session("next", begin=minute(90), end=minute(120))
    rows.connection_of("ana", minute(0), minute(60))
    rows.connection_of("ana", minute(0), minute(30))
    rows.connection_of("ana", minute(90), minute(100), session_id="next")
    rows.recording(status="UPLOADED", duration_seconds=Decimal(1800))
    rows.recording(status="ERRORED")
    assert list(rows.one(USAGE).items()) == [
        ("organization_id", "academy"),
        ("day", date(2026, 3, 2)),
        ("sessions_count", 2),
        ("session_minutes", 90),
        ("participant_minutes", 100),
        ("recordings_count", 2),
        ("recording_minutes", 30),
    ]


def test_a_session_over_midnight_counts_whole_on_the_day_it_started(rows: Rows) -> None:
    rows.session(begin=ELEVEN_AT_NIGHT, end=ELEVEN_AT_NIGHT + timedelta(hours=2))
    rows.connection_of("ana", ELEVEN_AT_NIGHT + timedelta(minutes=90), ELEVEN_AT_NIGHT + timedelta(hours=2))
    usage = rows.one(USAGE)
    assert usage["day"] == date(2026, 3, 31)
    assert (usage["session_minutes"], usage["participant_minutes"]) == (120, 30)


def test_a_day_is_one_of_utc_whatever_the_time_zone_of_who_asks(rows: Rows) -> None:
    rows.session(begin=ELEVEN_AT_NIGHT, end=ELEVEN_AT_NIGHT + timedelta(minutes=30))
    rows.connection.execute("SET LOCAL TIME ZONE 'Asia/Tokyo'")
    assert rows.one(USAGE)["day"] == date(2026, 3, 31)


def test_organizations_are_apart_and_unknown_ones_and_days_are_kept(rows: Rows, minute: Minute) -> None:
    rows.session("one", end=minute(1), organization_id="academy")
    rows.session("two", end=minute(1), organization_id="college")
    rows.session("three", end=minute(1), organization_id=None)
    rows.session("four", begin=None, end=minute(1))
    assert [(row["organization_id"], row["day"], row["sessions_count"]) for row in rows.ask(USAGE)] == [
        ("academy", date(2026, 3, 2), 1),
        ("academy", None, 1),
        ("college", date(2026, 3, 2), 1),
        (None, date(2026, 3, 2), 1),
    ]


def test_the_days_add_up_to_the_sessions(rows: Rows, now: datetime) -> None:
    for number in range(4):
        begin = now - timedelta(hours=30 * number)
        rows.session(f"session-{number}", begin=begin, end=None if number % 2 else begin + timedelta(minutes=50))
        rows.connection_of(
            "ana", begin, None if number % 2 else begin + timedelta(minutes=7), session_id=f"session-{number}"
        )
        rows.recording(session_id=f"session-{number}", status="RECORDING", started_at=begin + timedelta(minutes=1))
    columns = "sum(participant_minutes) AS participants, sum(recording_minutes) AS recordings"
    days = rows.one("SELECT sum(session_minutes) AS sessions, " + columns + " FROM rollcall.daily_usage")
    sessions = rows.one("SELECT sum(duration_seconds) / 60 AS sessions, " + columns + " FROM rollcall.session_summary")
    assert {name: round(value, 9) for name, value in days.items()} == {
        name: round(value, 9) for name, value in sessions.items()
    }
