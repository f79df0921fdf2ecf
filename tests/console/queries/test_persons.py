"""A search for people finds the same sessions, however many connections it fits."""

from datetime import timedelta

import psycopg
import pytest

from console.queries import persons
from console.queries.conditions import Range
from console.queries.persons import narrowed
from console.queries.session_filter import SessionFilter
from console.queries.sessions import Place, find_sessions
from console.queries.tables import Tables
from tests.console.commands.rows import at, participant, session

NOW = at(60)
PEOPLE = {
    "ada": ("student-1", "Ada Lovelace"),
    "percent": ("100%", "50% off"),
    "under": ("a_b", "A_B"),
    "umlaut": ("Ärger", "Ärger"),
    "last": ("x\U0010fffe", None),
    "nameless": ("student-2", None),
    "without": (None, "student without an id"),
}


@pytest.fixture
def sessions(database_url: str) -> str:
    for number, (session_id, (person, name)) in enumerate(PEOPLE.items()):
        # Of one that only left, nobody knows when they came.
        joined_at = None if session_id == "nameless" else at(number)
        session(database_url, session_id, started_at=at(number), last_event_at=at(number))
        participant(
            database_url, f"p-{session_id}", session_id=session_id, custom_participant_id=person, display_name=name,
            joined_at=joined_at,
        )  # fmt: skip
    session(database_url, "empty", started_at=at(50), last_event_at=at(50))
    return database_url


def found(url: str, start: str) -> set[str]:
    with psycopg.connect(url) as connection:
        tables = Tables(connection)
        chosen = narrowed(tables, SessionFilter(person=start))
        return {row["session_id"] for row in find_sessions(tables, chosen, 50, now=NOW)}


@pytest.mark.parametrize(("ever", "within"), [(100, 100), (0, 100), (0, 0)], ids=["few", "many", "very many"])
@pytest.mark.parametrize(
    ("start", "expected"),
    [
        ("student", {"ada", "nameless", "without"}),
        ("student-1", {"ada"}),
        ("Student-1", set()),
        ("ADA LOVE", {"ada"}),
        ("1", {"percent"}),
        ("%", set()),
        ("a_", {"under"}),
        ("aX", set()),
        ("Är", {"umlaut"}),
        ("x", {"last"}),
        ("nobody", set()),
    ],
)
def test_people_are_found_by_the_start_of_their_id_or_name(
    monkeypatch: pytest.MonkeyPatch, sessions: str, start: str, expected: set[str], ever: int, within: int
) -> None:
    monkeypatch.setattr(persons, "_MOST_EVER", ever)
    monkeypatch.setattr(persons, "_MOST_WITHIN", within)
    assert found(sessions, start) == expected


@pytest.mark.parametrize(("ever", "within"), [(100, 100), (0, 100), (0, 0)], ids=["few", "many", "very many"])
def test_pages_of_a_search_follow_each_other(
    monkeypatch: pytest.MonkeyPatch, sessions: str, ever: int, within: int
) -> None:
    monkeypatch.setattr(persons, "_MOST_EVER", ever)
    monkeypatch.setattr(persons, "_MOST_WITHIN", within)
    seen: list[str] = []
    after: Place | None = None
    with psycopg.connect(sessions) as connection:
        tables = Tables(connection)
        chosen = narrowed(tables, SessionFilter(person="student"))
        while rows := find_sessions(tables, chosen, 1, after, NOW):
            seen += [row["session_id"] for row in rows]
            after = Place.of(rows[-1])
    assert seen == ["without", "nameless", "ada"]


def test_few_are_looked_up_in_all_time_and_many_in_a_month_that_is_said(
    monkeypatch: pytest.MonkeyPatch, sessions: str
) -> None:
    later = NOW + timedelta(days=60)
    with psycopg.connect(sessions) as connection:
        tables = Tables(connection)
        few = narrowed(tables, SessionFilter(person="student"))
        assert not few.looks_back
        assert len(find_sessions(tables, few, 50, now=later)) == 3
        monkeypatch.setattr(persons, "_MOST_EVER", 1)
        many = narrowed(tables, SessionFilter(person="student"))
        assert many.looks_back
        assert find_sessions(tables, many, 50, now=later) == []
        ranged = narrowed(tables, SessionFilter(person="student", started=Range(since=at(-1))))
        assert not ranged.looks_back
        assert len(find_sessions(tables, ranged, 50, now=later)) == 3


def test_a_range_finds_who_joined_long_after_the_start(database_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    session(database_url, "long", started_at=at(0), last_event_at=at(60 * 24 * 3))
    participant(database_url, "p", session_id="long", custom_participant_id="ada", joined_at=at(60 * 24 * 3))
    monkeypatch.setattr(persons, "_MOST_EVER", 0)
    with psycopg.connect(database_url) as connection:
        tables = Tables(connection)
        chosen = SessionFilter(person="ada", started=Range(since=at(-1), until=at(1)))
        rows = find_sessions(tables, narrowed(tables, chosen), 50)
    assert [row["session_id"] for row in rows] == ["long"]
