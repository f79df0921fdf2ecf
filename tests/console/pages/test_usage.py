"""`/usage`: what days, weeks and months came to, and that kept days are right."""

import csv
import io
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg
import pytest

from tests.console.commands.rows import NINE, at, insert, participant, session
from tests.console.pages.running import READER, RunningConsole
from tests.workers.queue.deliveries import wait_until

MARCH = "from=2026-03-01&to=2026-03-31"
DAY = 24 * 60
TO_MIDNIGHT = 15 * 60
"""Minutes from nine in the morning."""


def table(console: RunningConsole, query: str = MARCH) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(console.get(f"/usage?csv=usage&{query}", READER))))


def held(
    database_url: str,
    name: str,
    begin: float,
    *stays: tuple[float, float],
    organization: str | None = "o1",
    **more: Any,
) -> None:
    """A session, and the minutes after nine between which each was there."""
    end = at(max((left for _, left in stays), default=begin))
    columns = {"status": "ended", "ended_at": end, "last_event_at": end, "organization_id": organization, **more}
    session(database_url, name, started_at=at(begin), **columns)
    for place, (joined, left) in enumerate(stays):
        participant(
            database_url,
            f"{name}-{place}",
            session_id=name,
            joined_at=at(joined),
            left_at=at(left),
            left_source="event",
        )


def touch(database_url: str, name: str) -> None:
    """Write a session's row, as a worker does with everything that it settles about it."""
    with psycopg.connect(database_url) as connection:
        connection.execute("UPDATE rollcall.sessions SET title = title WHERE id = %s", [name])


def test_every_figure_is_there_by_day_week_and_month(console: RunningConsole, database_url: str) -> None:
    held(database_url, "a", 0, (0, 30), (10, 30), (20, 40))
    held(database_url, "b", 20, (20, 60))
    held(database_url, "c", 4 * DAY, (4 * DAY, 4 * DAY + 30))
    insert(
        database_url, "recordings", id="r", session_id="a", status="UPLOADED", started_at=at(0), stopped_at=at(30),
        duration_seconds=1800,
    )  # fmt: skip
    first = {
        "period": "2026-03-02", "organization_id": "o1", "sessions": "2", "participant_minutes": 110, "peak": "4",
        "recording_minutes": 30,
    }  # fmt: skip
    rows = table(console)
    assert [row["period"] for row in rows] == ["2026-03-06", "2026-03-02"]
    minutes = ("participant_minutes", "recording_minutes")
    assert {**rows[1], **{name: float(rows[1][name]) for name in minutes}} == first
    for unit, period in (("week", "2026-03-02"), ("month", "2026-03-01")):
        [row] = table(console, f"unit={unit}&{MARCH}")
        assert (row["period"], row["sessions"], float(row["participant_minutes"]), row["peak"]) == (
            period,
            "3",
            140,
            "4",
        )
    page = console.get(f"/usage?{MARCH}")
    assert "<rect" in page
    assert ">At once, at most</th>" in page


def test_the_peaks_of_organizations_do_not_add_up(console: RunningConsole, database_url: str) -> None:
    """At one moment three, at another two of one and one of the other."""
    held(database_url, "a", 0, (0, 10), (0, 10))
    held(database_url, "b", 5, (5, 20), (15, 20), (15, 20), organization="o2")
    held(database_url, "c", 30, (30, 40), organization=None)
    assert {row["organization_id"]: row["peak"] for row in table(console)} == {"o1": "2", "o2": "3", "": "1"}
    assert "<dd><b>3</b></dd>" in figure(console.get(f"/usage?{MARCH}"), "at once, at most")
    one = console.get(f"/usage?{MARCH}&organization=o1")
    assert "<dd><b>2</b></dd>" in figure(one, "at once, at most")
    assert "o2" not in one


def figure(page: str, label: str) -> str:
    return page.partition(f"<dt>{label}</dt>")[2].partition("</div>")[0]


def test_one_who_joins_when_another_leaves_makes_no_peak(console: RunningConsole, database_url: str) -> None:
    held(database_url, "a", 0, (0, 10), (10, 20))
    [row] = table(console)
    assert row["peak"] == "1"


def test_who_stays_over_midnight_counts_for_the_morning(console: RunningConsole, database_url: str) -> None:
    late = TO_MIDNIGHT - 60
    held(database_url, "a", late, *[(late, TO_MIDNIGHT + 60)] * 3)
    held(database_url, "b", TO_MIDNIGHT + 30, (TO_MIDNIGHT + 30, TO_MIDNIGHT + 40))
    held(database_url, "weeks", -9 * DAY, (-9 * DAY, 3 * DAY), organization="o2")
    rows = {(row["period"], row["organization_id"]): (row["sessions"], row["peak"]) for row in table(console)}
    assert rows["2026-03-02", "o1"] == ("1", "3")
    assert rows["2026-03-03", "o1"] == ("1", "4")
    assert rows["2026-03-01", "o2"] == rows["2026-03-05", "o2"] == ("0", "1")
    assert ("2026-03-06", "o2") not in rows


def test_days_are_those_of_the_zone(console: RunningConsole, database_url: str) -> None:
    """Nine in the morning in UTC is the evening before in Honolulu, twenty to eleven is not."""
    held(database_url, "a", 0, (0, 30))
    held(database_url, "b", 100, (100, 130), (100, 130))
    rows = table(console, f"tz=Pacific/Honolulu&{MARCH}")
    assert [(row["period"], row["sessions"], row["peak"]) for row in rows] == [
        ("2026-03-02", "1", "2"),
        ("2026-03-01", "1", "1"),
    ]
    console.get("/usage?tz=Europe/Berlin&from=2026-01-01&to=2026-12-31", status=400)
    console.get("/usage?from=2026-03-02&to=2026-03-01", status=400)


def test_it_says_how_much_came_by_webhooks_once_the_vendor_was_asked(
    console: RunningConsole, database_url: str
) -> None:
    held(database_url, "a", 0, (0, 30))
    assert "completeness" not in table(console)[0]
    with psycopg.connect(database_url) as connection:
        connection.execute("UPDATE rollcall.participants SET left_source = 'api'")
    insert(
        database_url, "lookups", session_id="a", asked_at=at(60), is_found=True, is_ended=True, participants=1,
        is_complete=True,
    )  # fmt: skip
    touch(database_url, "a")
    [row] = table(console)
    assert float(row["completeness"]) == pytest.approx(0.75)
    assert "75 %" in figure(console.get(f"/usage?{MARCH}"), "captured by webhooks")


def test_a_kept_day_is_counted_again_once_one_of_its_sessions_is_written(
    console: RunningConsole, database_url: str
) -> None:
    held(database_url, "a", 0, (0, 30))
    held(database_url, "b", DAY, (DAY, DAY + 30))
    assert [row["peak"] for row in table(console)] == ["1", "1"]
    participant(database_url, "late", session_id="a", joined_at=at(0), left_at=at(30), left_source="event")
    # A worker writes the session's row as well. Without that, the day is as it was kept.
    assert [row["peak"] for row in table(console)] == ["1", "1"]
    touch(database_url, "a")
    assert [row["peak"] for row in table(console)] == ["1", "2"]


def test_a_day_on_which_a_session_is_live_is_counted_each_time(console: RunningConsole, database_url: str) -> None:
    now = datetime.now(UTC)
    session(database_url, "a", started_at=now - timedelta(minutes=10), last_event_at=now)
    for place in range(2):
        participant(database_url, f"p{place}", session_id="a", joined_at=now - timedelta(minutes=5))
        assert str(place + 1) in {row["peak"] for row in table(console, "")}


def many(database_url: str, sessions: int, organizations: int) -> None:
    """Sessions of an hour, one person in each, a hundred a day in March."""
    with psycopg.connect(database_url) as connection:
        connection.execute(
            """
            INSERT INTO rollcall.sessions (
                id, organization_id, status, stated_started_at, stated_ended_at, last_received_at, last_event_at)
            SELECT n::text, 'o' || n %% %s, 'ended', at, at + interval '1 hour', at, at
            FROM generate_series(0, %s - 1) AS n, LATERAL (SELECT %s + n / 100 * interval '1 day' AS at) AS began""",
            [organizations, sessions, NINE],
        )
        connection.execute(
            """
            INSERT INTO rollcall.participants (session_id, peer_id, stated_joined_at, joined_at, left_at)
            SELECT id, 'p', started_at, started_at, ended_at FROM rollcall.sessions"""
        )


def test_many_days_are_counted_in_the_background_and_the_page_follows(
    console: RunningConsole, database_url: str
) -> None:
    many(database_url, 2_500, 1)
    page = console.get(f"/usage?{MARCH}")
    assert "days are still being counted" in page
    assert 'data-hx-trigger="every 2s"' in page
    wait_until(lambda: "still being counted" not in console.get(f"/usage?{MARCH}"))
    page = console.get(f"/usage?{MARCH}")
    assert "data-hx-trigger" not in page
    assert "2\N{NARROW NO-BREAK SPACE}500" in figure(page, "sessions")
    assert "<b>100</b>" in figure(page, "at once, at most")


def test_a_file_waits_for_all_days(console: RunningConsole, database_url: str) -> None:
    many(database_url, 2_500, 1)
    rows = table(console)
    assert len(rows) == 25
    assert {(row["sessions"], row["peak"]) for row in rows} == {("100", "100")}


def test_many_rows_come_in_pages_and_in_one_file(console: RunningConsole, database_url: str) -> None:
    many(database_url, 300, 100)
    first = console.get(f"/usage?{MARCH}")
    assert first.count("<tr>") == 201
    assert "skip=200" in first
    assert console.get(f"/usage?{MARCH}&skip=200").count("<tr>") == 101
    assert len(table(console)) == 300
