"""`/deliveries`, `/people`, `/meetings`: what they show, and to whom."""

import csv
import io
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import psycopg
import pytest

from tests.console.commands.rows import SESSION, at, delivery, entry, participant, session
from tests.console.pages.running import OPERATOR, PERSON, READER, RunningConsole

NOW = datetime.now(UTC)
AGO = NOW - timedelta(hours=20)
SECRETS = ("Ada Lovelace", "student-1", "Algebra", "why it failed", "download")


def table(console: RunningConsole, path: str, user: str = OPERATOR) -> list[dict[str, str]]:
    with console.client(user) as client:
        answer = client.get(path)
        assert answer.status_code == 200, answer.text
    return list(csv.DictReader(io.StringIO(answer.text)))


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("", {"old", "bad", "good"}),
        ("&status=quarantined", {"bad"}),
        ("&status=processed", {"good"}),
        ("&status=processed&from=2026-01-01&to=2026-12-31", {"old", "good"}),
        ("&event=good", {"good"}),
        ("&session=s2", {"bad"}),
        ("&error=FAILED", {"bad"}),
        ("&error=%25", set()),
        ("&to=2026-03-03", {"old"}),
    ],
)
def test_a_filter_chooses_deliveries(
    console: RunningConsole, database_url: str, query: str, expected: set[str]
) -> None:
    delivery(database_url, at(0), event="old")
    delivery(database_url, AGO, event="bad", status="quarantined", error="why it failed", session_id="s2")
    delivery(database_url, AGO, event="good")
    assert {row["event"] for row in table(console, f"/deliveries?csv=deliveries{query}")} == expected


def test_a_delivery_is_found_by_the_start_of_its_id(console: RunningConsole, database_url: str) -> None:
    ids = [delivery(database_url, at(number)) for number in range(3)]
    assert [row["id"] for row in table(console, f"/deliveries?csv=deliveries&id={str(ids[1])[:18]}")] == [str(ids[1])]


def test_deliveries_follow_each_other_over_pages(console: RunningConsole, database_url: str) -> None:
    ids = [str(delivery(database_url, at(number))) for number in range(60)]
    page = console.get("/deliveries")
    assert f'href="/deliveries?after={ids[10]}" rel="next"' in page
    assert f"/deliveries/{ids[9]}" in console.get(f"/deliveries?after={ids[10]}")


def test_a_delivery_says_what_came_and_what_it_came_to(console: RunningConsole, database_url: str) -> None:
    made = entry(database_url, "session.started", at(0), at(0))
    again = delivery(database_url, at(1), status="repeat", repeat_of=made)
    page = console.get(f"/deliveries/{made}")
    assert "session.started" in page
    assert f"/deliveries/{again}" in page
    assert f"/sessions/{SESSION}" in page
    assert f"/deliveries/{made}" in console.get(f"/deliveries/{again}")
    console.get(f"/deliveries/{UUID(int=1)}", status=404)
    console.get("/deliveries/none", status=400)


def test_a_payload_is_shown_as_text(console: RunningConsole, database_url: str) -> None:
    hostile: dict[str, Any] = {"a": "<script>alert(1)</script>\x1b[31m", "more": "x" * 300_000}
    made = delivery(database_url, at(0), payload=hostile)
    page = console.get(f"/deliveries/{made}")
    assert "<script>alert" not in page
    assert "&lt;script&gt;alert(1)" in page
    assert "\x1b" not in page
    assert len(page) < 150_000


def people(database_url: str) -> UUID:
    for number in range(2):
        session(
            database_url, f"s{number}", title="Algebra", started_at=at(number * 100), status="ended",
            ended_at=at(number * 100 + 60), last_event_at=at(number * 100 + 60),
        )  # fmt: skip
        for connection in range(2):
            participant(
                database_url, f"peer-{connection}", session_id=f"s{number}", custom_participant_id="student-1",
                display_name="Ada Lovelace", joined_at=at(number * 100 + connection * 30), left_source="event",
                left_at=at(number * 100 + connection * 30 + 15),
            )  # fmt: skip
    return delivery(
        database_url, AGO, session_id="s1", status="quarantined", error="why it failed", payload={"x": "download"}
    )


def test_a_persons_page_has_their_sessions_minutes_and_rejoins(console: RunningConsole, database_url: str) -> None:
    people(database_url)
    rows = table(console, "/people/student-1?csv=sessions")
    assert [(row["session_id"], row["rejoins"]) for row in rows] == [("s1", "1"), ("s0", "1")]
    assert [(float(row["attended_minutes"]), float(row["share"])) for row in rows] == [(30, 0.5), (30, 0.5)]
    assert "<h1><bdi>Ada Lovelace</bdi></h1>" in console.get("/people/student-1")
    assert "No sessions of a person" in console.get("/people/student-1?from=2027-01-01")
    assert "There are no sessions" in console.get("/people/nobody")


def test_who_looks_at_a_person_is_written_down_without_naming_the_person(
    console: RunningConsole, database_url: str
) -> None:
    people(database_url)
    console.get("/people/student-1", PERSON)
    console.get("/people/student-1?csv=sessions", PERSON)
    console.get("/people/student-1", READER, status=403)
    with psycopg.connect(database_url) as connection:
        rows = connection.execute("SELECT who, act, subject, address FROM rollcall.audit").fetchall()
    assert len(rows) == 2
    assert {row[:2] + row[3:] for row in rows} == {(PERSON, "look at a person", "127.0.0.1")}
    (subject,) = {row[2] for row in rows}
    assert len(subject) == 32
    assert "student" not in subject


def test_a_meetings_page_has_its_sessions(console: RunningConsole, database_url: str) -> None:
    people(database_url)
    session(database_url, "other", meeting_id="m2")
    assert [row["session_id"] for row in table(console, "/meetings/m1?csv=sessions")] == ["s1", "s0"]
    assert "No sessions match" in console.get("/meetings/m1?from=2027-01-01")
    console.get("/meetings/none", status=404)


def test_who_reads_sees_nothing_of_people_on_any_page(console: RunningConsole, database_url: str) -> None:
    made = people(database_url)
    paths = [
        "/", "/sessions", "/sessions?csv=sessions", "/deliveries", "/deliveries?csv=deliveries", f"/deliveries/{made}",
        f"/deliveries/{made}?csv=entries", "/meetings/m1", "/meetings/m1?csv=sessions", "/usage", "/usage?csv=usage",
        "/sessions/s1", *(f"/sessions/s1?csv={name}" for name in ("people", "connections", "timeline", "deliveries")),
    ]  # fmt: skip
    for path in paths:
        page = console.get(path, READER)
        for secret in SECRETS:
            # The word for a file's link stands on every page.
            assert secret == "download" or secret not in page, (path, secret)
    assert (
        "download" not in console.get(f"/deliveries/{made}", READER).partition("Payload")[2].partition("</section>")[0]
    )
    console.get("/deliveries?error=x", READER, status=403)
    everything = "".join(console.get(path, PERSON) for path in paths)
    assert all(secret in everything for secret in SECRETS)
