"""`session_summary`: one row per session."""

from collections.abc import Callable
from datetime import datetime, timedelta
from decimal import Decimal

from tests.analytics.conftest import NINE, Rows

Minute = Callable[[float], datetime]
SUMMARY = "SELECT * FROM rollcall.session_summary"


def test_the_documented_columns_are_there_in_order(rows: Rows, minute: Minute) -> None:
    rows.session(end=minute(60), meeting_id="algebra", title="Algebra II")
    rows.connection_of("ana", minute(0), minute(60))
    rows.connection_of("ana", minute(30), minute(60))
    rows.connection_of("ben", minute(0), minute(15))
    rows.recording(status="UPLOADED", duration_seconds=Decimal(1800))
    assert list(rows.one(SUMMARY).items()) == [
        ("session_id", "lesson"),
        ("meeting_id", "algebra"),
        ("organization_id", "academy"),
        ("title", "Algebra II"),
        ("status", "ended"),
        ("started_at", minute(0)),
        ("ended_at", minute(60)),
        ("duration_seconds", 3600),
        ("people", 2),
        ("connections", 3),
        ("peak_concurrency", 2),
        ("participant_minutes", 105),
        ("recording_minutes", 30),
    ]


def test_a_session_that_nobody_joined_shows_zeros(rows: Rows, minute: Minute) -> None:
    rows.session(end=minute(60))
    summary = rows.one(SUMMARY)
    columns = ("people", "connections", "peak_concurrency", "participant_minutes", "recording_minutes")
    assert [summary[column] for column in columns] == [0, 0, 0, 0, 0]
    assert summary["duration_seconds"] == 3600


def test_what_is_going_on_counts_up_to_now(rows: Rows, now: datetime) -> None:
    rows.session(begin=now - timedelta(hours=2), last_event_at=now - timedelta(hours=1))
    rows.connection_of("ana", now - timedelta(minutes=90), None)
    rows.recording(status="RECORDING", started_at=now - timedelta(minutes=30))
    summary = rows.one(SUMMARY)
    assert summary["duration_seconds"] == 7200
    assert summary["participant_minutes"] == 90
    assert summary["recording_minutes"] == 30
    assert summary["peak_concurrency"] == 1


def test_a_lost_end_counts_for_24_hours_after_the_last_event_and_no_longer(rows: Rows, minute: Minute) -> None:
    rows.session(last_event_at=minute(60))
    rows.connection_of("ana", minute(30), None)
    rows.recording(status="PAUSED", started_at=minute(50))
    summary = rows.one(SUMMARY)
    assert summary["duration_seconds"] == 25 * 3600
    assert summary["participant_minutes"] == 24 * 60 + 30
    assert summary["recording_minutes"] == 24 * 60 + 10


def test_a_recording_whose_end_got_lost_stops_with_its_session(rows: Rows, minute: Minute) -> None:
    rows.session(end=minute(60))
    rows.recording(status="RECORDING", started_at=minute(20))
    assert rows.one(SUMMARY)["recording_minutes"] == 40


def test_negative_and_unknown_lengths_count_as_none(rows: Rows, minute: Minute) -> None:
    rows.session(begin=minute(60), end=minute(0))
    rows.session("unknown", begin=None, end=minute(60))
    rows.recording(status="ERRORED")
    rows.recording(status="INVOKED")
    rows.recording(status="UPLOADED", duration_seconds=Decimal(-5))
    for summary in rows.ask(SUMMARY):
        assert (summary["duration_seconds"], summary["recording_minutes"]) == (0, 0)


def test_a_day_of_86400_seconds_is_not_lost_in_the_sum(rows: Rows) -> None:
    rows.session(end=NINE + timedelta(days=3, seconds=6))
    rows.connection_of("ana", NINE, NINE + timedelta(days=3, seconds=6))
    summary = rows.one(SUMMARY)
    assert summary["duration_seconds"] == 3 * 86_400 + 6
    assert summary["participant_minutes"] == Decimal(3 * 1440) + Decimal("0.1")
