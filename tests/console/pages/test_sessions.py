"""`/sessions`: what it shows, what its filters choose, and how one goes on."""

import csv
import io
import re
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.console.commands.rows import SESSION, at, delivery, participant, session
from tests.console.pages.running import OPERATOR, READER, RunningConsole

AGO = datetime.now(UTC) - timedelta(hours=20)
RECENT: dict[str, Any] = {"started_at": AGO, "last_event_at": AGO}


def ids(console: RunningConsole, query: str = "", user: str = OPERATOR) -> list[str]:
    with console.client(user) as client:
        answer = client.get(f"/sessions?csv=sessions{query}")
        assert answer.status_code == 200, answer.text
        assert answer.headers["content-type"] == "text/csv; charset=utf-8"
    return [row["session_id"] for row in csv.DictReader(io.StringIO(answer.text))]


def test_sessions_are_listed_latest_first_with_unknown_starts_last(console: RunningConsole, database_url: str) -> None:
    for number in range(3):
        session(database_url, f"s{number}", started_at=at(number))
    session(database_url, "unknown", started_at=None)
    assert ids(console) == ["s2", "s1", "s0", "unknown"]
    page = console.get("/sessions")
    assert page.index("s2") < page.index("s1") < page.index("unknown")
    assert "<title>Sessions · Rollcall</title>" in page


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("&status=live", {"b"}),
        ("&meeting=m2", {"b"}),
        ("&organization=o2", {"b"}),
        ("&title=two+room", {"b"}),
        ("&title=100%25", {"c"}),
        ("&person=stud", {"a"}),
        ("&person=ada", {"a"}),
        ("&person=%25", set()),
        ("&inferred=1", {"a"}),
        ("&set_aside=1", {"c"}),
        ("&id=b", {"b"}),
    ],
)
def test_a_filter_chooses(console: RunningConsole, database_url: str, query: str, expected: set[str]) -> None:
    session(database_url, "a", status="ended", title="One", **RECENT)
    session(database_url, "b", meeting_id="m2", organization_id="o2", title="Room Two", **RECENT)
    session(database_url, "c", status="ended", title="100% there", **RECENT)
    participant(
        database_url, "p1", session_id="a", custom_participant_id="student-1", display_name="Ada", joined_at=AGO,
        left_at=AGO, left_source="session_end",
    )  # fmt: skip
    delivery(database_url, AGO, session_id="c", status="quarantined")
    if query == "&id=b":  # the whole id leads to the session itself
        with console.client(OPERATOR) as client:
            assert client.get("/sessions?id=b").headers["location"] == "/sessions/b"
        return
    assert set(ids(console, query)) == expected


def test_a_range_is_in_the_zone_that_is_pinned(console: RunningConsole, database_url: str) -> None:
    session(database_url, "nine", started_at=at(0))
    assert ids(console, "&from=2026-03-02T10:00&to=2026-03-02T10:01&tz=Europe/Berlin") == ["nine"]
    assert ids(console, "&from=2026-03-02T10:00&tz=UTC") == []
    assert "2026-03-02 10:00:00" in console.get("/sessions?tz=Europe/Berlin")
    assert 'title="2026-03-02 09:00:00 UTC"' in console.get("/sessions?tz=Europe/Berlin")


def test_filters_without_an_index_look_back_a_month_and_say_so(console: RunningConsole, database_url: str) -> None:
    session(database_url, "old", started_at=at(0), title="Algebra")
    assert ids(console, "&title=algebra") == []
    assert "last 31 days" in console.get("/sessions?title=algebra")
    assert ids(console, "&title=algebra&from=2026-01-01") == ["old"]
    assert "last 31 days" not in console.get("/sessions?title=algebra&from=2026-01-01")


def test_an_empty_list_says_which_filter_hides_what(console: RunningConsole, database_url: str) -> None:
    assert "There are no sessions yet." in console.get("/sessions")
    session(database_url)
    page = console.get("/sessions?meeting=none&status=ended")
    assert "No sessions match the filters: status, meeting." in page


def test_pages_follow_each_other_without_a_gap_or_a_double(console: RunningConsole, database_url: str) -> None:
    # Some start at the same time; of some the start is not known.
    for number in range(130):
        start = at(number // 4) if number < 100 else None
        session(database_url, f"s{number:03}", started_at=start, last_event_at=at(number // 4))
    seen: list[str] = []
    path: str | None = "/sessions"
    while path:
        page = console.get(path)
        seen += re.findall(r'<td class="id">\s*<a href="/sessions/(s\d+)"', page)
        found = re.search(r'href="([^"]+)" rel="next"', page)
        path = found[1].replace("&amp;", "&") if found else None
    assert len(seen) == 130
    assert seen == ids(console)


@pytest.mark.parametrize(
    "query", ["status=x", "from=x", "to=2026-99-99", "after=x", "after=s~2026-01-01~x", "tz=../etc/passwd", "tz=Mars/X",
    "csv=other", "title=%00", f"title={'x' * 600}", "from=9999-12-31T23:59-23:59"]
)  # fmt: skip
def test_a_query_that_can_t_be_read_is_refused_by_name(console: RunningConsole, query: str) -> None:
    page = console.get(f"/sessions?{query}", status=400)
    assert f"&#39;{query.partition('=')[0]}&#39;" in page


def test_a_hostile_title_is_text(console: RunningConsole, database_url: str) -> None:
    title = "<script>alert(1)</script>\"'>\x1b[31m\N{RIGHT-TO-LEFT OVERRIDE}x" + "y" * 10_000
    session(database_url, title=title)
    page = console.get("/sessions")
    assert "<script>alert" not in page
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in page
    assert "\x1b" not in page
    assert "\N{RIGHT-TO-LEFT OVERRIDE}" not in page
    assert len(page) < 20_000


def test_no_spreadsheet_runs_a_cell(console: RunningConsole, database_url: str) -> None:
    session(database_url, title='=HYPERLINK("https://evil.example")')
    with console.client(OPERATOR) as client:
        text = client.get("/sessions?csv=sessions").text
    assert "'=HYPERLINK" in text
    assert ",=" not in text


def test_who_reads_sees_no_titles_and_can_t_filter_by_them(console: RunningConsole, database_url: str) -> None:
    session(database_url, title="Secret", **RECENT)
    participant(database_url, "p1", custom_participant_id="student-1", display_name="Ada", joined_at=AGO)
    for path in ("/sessions", "/sessions?csv=sessions", "/"):
        page = console.get(path, READER)
        assert "Secret" not in page
        assert "Ada" not in page
        assert "student-1" not in page
        assert SESSION[:8] in page
    for query in ("title=secret", "person=student", "person=no"):
        assert "Your role does not show" in console.get(f"/sessions?{query}", READER, status=403)
