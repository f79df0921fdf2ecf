"""`concurrency`: one row per moment at which the number of open connections changes."""

from collections.abc import Callable
from datetime import datetime, timedelta

from tests.analytics.conftest import Rows

Minute = Callable[[float], datetime]
STEPS = "SELECT at, present FROM rollcall.concurrency WHERE session_id = 'lesson' ORDER BY at"


def steps(rows: Rows) -> list[tuple[datetime, int]]:
    return [(row["at"], row["present"]) for row in rows.ask(STEPS)]


def test_the_documented_columns_are_there_in_order(rows: Rows, minute: Minute) -> None:
    rows.session(end=minute(60))
    rows.connection_of("ana", minute(0), minute(5))
    assert list(rows.ask("SELECT * FROM rollcall.concurrency")[0]) == ["session_id", "at", "present"]


def test_joins_count_up_and_leaves_count_down(rows: Rows, minute: Minute) -> None:
    rows.session(end=minute(60))
    rows.connection_of("ana", minute(0), minute(30))
    rows.connection_of("ben", minute(10), minute(20))
    assert steps(rows) == [(minute(0), 1), (minute(10), 2), (minute(20), 1), (minute(30), 0)]


def test_what_happens_in_one_moment_is_one_step(rows: Rows, minute: Minute) -> None:
    rows.session(end=minute(60))
    for person in ("ana", "ben", "cleo"):
        rows.connection_of(person, minute(0), minute(60), left_source="session_end")
    assert steps(rows) == [(minute(0), 3), (minute(60), 0)]


def test_one_who_comes_as_another_goes_changes_nothing(rows: Rows, minute: Minute) -> None:
    rows.session(end=minute(60))
    rows.connection_of("ana", minute(0), minute(10))
    rows.connection_of("ana", minute(10), minute(20))
    assert steps(rows) == [(minute(0), 1), (minute(20), 0)]


def test_connections_that_took_no_time_are_not_seen(rows: Rows, minute: Minute) -> None:
    rows.session(end=minute(60))
    rows.connection_of("ana", minute(20), minute(10))
    rows.connection_of("ben", minute(5), minute(5))
    rows.connection_of("cleo", None, minute(5))
    assert steps(rows) == []


def test_who_is_still_there_has_no_step_down(rows: Rows, now: datetime) -> None:
    rows.session(begin=now - timedelta(hours=1), last_event_at=now)
    rows.connection_of("ana", now - timedelta(minutes=30), None)
    assert steps(rows) == [(now - timedelta(minutes=30), 1)]


def test_a_lost_end_steps_down_24_hours_after_the_last_event(rows: Rows, minute: Minute) -> None:
    rows.session(last_event_at=minute(30))
    rows.connection_of("ana", minute(0), None)
    assert steps(rows) == [(minute(0), 1), (minute(30) + timedelta(hours=24), 0)]
