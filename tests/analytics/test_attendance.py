"""`attendance`: one row per person and session."""

from collections.abc import Callable
from datetime import datetime, timedelta
from decimal import Decimal
from uuid import UUID

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.analytics.conftest import NINE, Rows

Minute = Callable[[float], datetime]
ATTENDANCE = "SELECT * FROM rollcall.attendance ORDER BY person"


def test_the_documented_columns_are_there_in_order(rows: Rows) -> None:
    rows.session()
    rows.connection_of("ana", NINE, None)
    assert list(rows.one(ATTENDANCE)) == [
        "session_id",
        "person",
        "display_name",
        "first_joined_at",
        "last_left_at",
        "connections",
        "attended_seconds",
    ]


def test_two_devices_at_once_count_once(rows: Rows, minute: Minute) -> None:
    rows.session(end=minute(60))
    rows.connection_of("ana", minute(0), minute(40))
    rows.connection_of("ana", minute(10), minute(20))
    rows.connection_of("ana", minute(30), minute(50))
    ana = rows.one(ATTENDANCE)
    assert ana["attended_seconds"] == 50 * 60
    assert ana["connections"] == 3
    assert (ana["first_joined_at"], ana["last_left_at"]) == (minute(0), minute(50))


def test_the_time_between_two_connections_does_not_count(rows: Rows, minute: Minute) -> None:
    rows.session(end=minute(60))
    rows.connection_of("ana", minute(0), minute(10))
    rows.connection_of("ana", minute(30), minute(45))
    assert rows.one(ATTENDANCE)["attended_seconds"] == 25 * 60


def test_microseconds_count(rows: Rows, minute: Minute) -> None:
    rows.session(end=minute(60))
    rows.connection_of("ana", minute(0), minute(0) + timedelta(microseconds=1))
    assert rows.one(ATTENDANCE)["attended_seconds"] == Decimal("0.000001")


def test_a_person_is_the_custom_participant_id_or_else_the_peer(rows: Rows, minute: Minute) -> None:
    rows.session(end=minute(60))
    rows.connection_of("ana", minute(0), minute(10))
    rows.connection_of(None, minute(0), minute(20), peer_id="bot-1")
    rows.connection_of(None, minute(0), minute(30), peer_id="bot-2")
    assert [(row["person"], row["attended_seconds"]) for row in rows.ask(ATTENDANCE)] == [
        ("ana", 600),
        ("bot-1", 1200),
        ("bot-2", 1800),
    ]


def test_the_name_received_last_is_shown(rows: Rows, minute: Minute) -> None:
    rows.session(end=minute(60))
    rows.connection_of("ana", minute(0), minute(9), display_name="Ana Ruiz", display_name_by=UUID(int=7))
    rows.connection_of("ana", minute(9), minute(19), display_name="Ana", display_name_by=UUID(int=3))
    rows.connection_of("ana", minute(19), minute(29))
    assert rows.one(ATTENDANCE)["display_name"] == "Ana Ruiz"


def test_who_is_present_counts_up_to_now_and_has_not_left(rows: Rows, now: datetime) -> None:
    rows.session(begin=now - timedelta(hours=1), last_event_at=now - timedelta(minutes=5))
    rows.connection_of("ana", now - timedelta(minutes=50), now - timedelta(minutes=40))
    rows.connection_of("ana", now - timedelta(minutes=30), None)
    ana = rows.one(ATTENDANCE)
    assert ana["attended_seconds"] == 40 * 60
    assert ana["last_left_at"] is None


def test_a_lost_end_counts_for_24_hours_after_the_last_event_and_no_longer(rows: Rows, minute: Minute) -> None:
    rows.session(last_event_at=minute(30))
    rows.connection_of("ana", minute(0), None)
    assert rows.one(ATTENDANCE)["attended_seconds"] == (24 * 60 + 30) * 60


def test_an_inferred_leave_counts_like_a_real_one(rows: Rows, minute: Minute) -> None:
    rows.session(end=minute(60))
    rows.connection_of("ana", minute(0), minute(60), left_source="session_end")
    assert rows.one(ATTENDANCE)["attended_seconds"] == 3600


def test_a_negative_or_unknown_stretch_counts_as_none(rows: Rows, minute: Minute) -> None:
    rows.session(end=minute(60))
    rows.connection_of("ana", minute(20), minute(10))
    rows.connection_of("ben", None, minute(10))
    rows.connection_of("cleo", minute(5), minute(5))
    assert [row["attended_seconds"] for row in rows.ask(ATTENDANCE)] == [0, 0, 0]


def test_one_person_in_two_sessions_has_two_rows(rows: Rows, minute: Minute) -> None:
    rows.session(end=minute(60))
    rows.session("next", begin=minute(60), end=minute(120))
    rows.connection_of("ana", minute(0), minute(60))
    rows.connection_of("ana", minute(60), minute(70), session_id="next")
    assert [(row["session_id"], row["attended_seconds"]) for row in rows.ask(ATTENDANCE + ", session_id")] == [
        ("lesson", 3600),
        ("next", 600),
    ]


STRETCHES = st.lists(st.tuples(st.integers(0, 40), st.integers(0, 40)), max_size=8)


@given(stretches=STRETCHES)
@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_attendance_minutes_and_concurrency_agree_with_counting_minute_by_minute(
    rows: Rows, minute: Minute, stretches: list[tuple[int, int]]
) -> None:
    rows.connection.execute("TRUNCATE rollcall.sessions, rollcall.participants")
    rows.session(end=minute(60))
    for begin, end in stretches:
        rows.connection_of("ana", minute(begin), minute(end))
    present = [sum(begin <= at < end for begin, end in stretches) for at in range(60)]

    attended = rows.ask("SELECT attended_seconds FROM rollcall.attendance")
    assert [row["attended_seconds"] for row in attended] == ([60 * sum(map(bool, present))] if stretches else [])
    summary = rows.one("SELECT * FROM rollcall.session_summary")
    assert summary["participant_minutes"] == sum(present)
    assert summary["peak_concurrency"] == max(present)
    changes = [
        (minute(at), now) for at, (before, now) in enumerate(zip([0, *present], present, strict=False)) if before != now
    ]
    steps = rows.ask("SELECT at, present FROM rollcall.concurrency ORDER BY at")
    assert [(row["at"], row["present"]) for row in steps] == changes
