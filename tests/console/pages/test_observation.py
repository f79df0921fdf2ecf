"""Every bar of a chart leads to what says so, a delivery or an answer of the vendor's API, and that leads back."""

import re
from datetime import timedelta
from uuid import UUID

import psycopg
import pytest

from tests.console.pages.running import OPERATOR, PERSON, READER, RunningConsole
from tests.meaning.work import connect
from tests.vendor_api.observing import answers_about
from tests.vendor_api.world import NINE, Connection, RecordingMade, SessionHeld, deliveries_of
from workers.reading.scope import Scope
from workers.settling.observe import observe
from workers.settling.settle import settle

PAGE = "/sessions/lesson"
END = NINE + timedelta(minutes=50)
MINUTE = timedelta(minutes=1)
LESSON = SessionHeld(
    "lesson", "m1", "Algebra", NINE, END,
    (
        Connection("by-webhook", "student-1", "Ada Lovelace", NINE, NINE + 40 * MINUTE),
        Connection("without-leave", "student-2", "Ben", NINE + MINUTE, NINE + 30 * MINUTE),
        Connection("without-join", "student-3", "Kemi", NINE + 2 * MINUTE, NINE + 45 * MINUTE),
        Connection("by-api", "student-4", "Noor", NINE + 3 * MINUTE, NINE + 20 * MINUTE),
        Connection("inferred", "student-5", "Jun", NINE + 4 * MINUTE, NINE + 49 * MINUTE),
    ),
    (RecordingMade("tape", NINE + MINUTE, NINE + 2 * MINUTE, NINE + 40 * MINUTE, 1000),),
)  # fmt: skip
LOST = {
    ("meeting.participantLeft", "without-leave"),
    ("meeting.participantJoined", "without-join"),
    ("meeting.participantJoined", "by-api"),
    ("meeting.participantLeft", "by-api"),
    ("meeting.participantLeft", "inferred"),
}


@pytest.fixture(params=["recording by webhook", "recording by API"])
def lesson(request: pytest.FixtureRequest, database_url: str) -> None:
    """A lesson of which some was told by webhooks, some by the API, and one leave by nobody."""
    kept = [
        one
        for one in deliveries_of(LESSON)
        if not any(event.encode() in one.body and peer.encode() in one.body for event, peer in LOST)
        and not (request.param == "recording by API" and b"recording.statusUpdate" in one.body)
    ]
    answers = answers_about(LESSON, END + 10 * MINUTE)
    answers.observations[:] = [one for one in answers.observations if one.subject_id != "inferred"]
    with connect(database_url) as worker:
        for step in (lambda: settle(worker, kept, Scope()), lambda: observe(worker, answers, Scope())):
            with worker.transaction():
                step()


def chart(console: RunningConsole) -> str:
    return console.get(PAGE).partition("<svg xmlns")[2].partition("</svg>")[0]


@pytest.mark.usefixtures("lesson")
def test_every_bar_leads_to_what_says_so_and_back(console: RunningConsole) -> None:
    drawn = chart(console)
    bars = re.findall(r'(<a href="[^"]*" tabindex="-1">)?<path(?: class="[^"]*")?[^>]*><title>', drawn)
    # Five connections, a recording, and a file; all but the shortest bars have an end that leads somewhere else.
    assert len(bars) >= 12
    assert all(bars)
    places = set(re.findall(r'href="([^"]+)"', drawn))
    assert {place.split("/")[1] for place in places} == {"deliveries", "observations"}
    for place in places:
        assert f'href="{PAGE}"' in console.get(place), place


@pytest.mark.usefixtures("lesson")
def test_a_time_of_the_api_leads_to_the_answer(console: RunningConsole, database_url: str) -> None:
    with psycopg.connect(database_url) as connection:
        answers = {row[0]: row[1] for row in connection.execute("SELECT subject_id, id FROM rollcall.observations")}
        left = connection.execute(
            "SELECT delivery_id FROM rollcall.participant_events WHERE peer_id = 'without-join'"
        ).fetchone()
    assert left is not None
    bars = {
        name: re.findall(rf'<a href="([^"]+)" tabindex="-1"><path[^>]*><title>{name}: ', chart(console))
        for name in ("Ben", "Kemi", "Noor", "Jun")
    }
    assert bars["Ben"][1] == f"/observations/{answers['without-leave']}"
    assert bars["Kemi"] == [f"/deliveries/{left[0]}", f"/deliveries/{left[0]}"]
    assert bars["Noor"] == [f"/observations/{answers['by-api']}"] * 2
    page = console.get(f"/observations/{answers['by-api']}")
    assert page.count("participant.joined") == page.count("participant.left") == 1
    assert "It is the last" in page
    # An inferred end leads to what says that the session ended.
    [ended] = re.findall(r'<a href="([^"]+)" tabindex="-1"><path class="hatched"', chart(console))
    assert "meeting.ended" in console.get(ended)
    # The timeline and the connections lead there as well.
    assert console.get(PAGE).count(f'"/observations/{answers["by-api"]}"') >= 6


@pytest.mark.usefixtures("lesson")
def test_another_answer_about_the_same_is_named(console: RunningConsole, database_url: str) -> None:
    later = answers_about(LESSON, END + 20 * MINUTE)
    longer = Connection("by-api", "student-4", "Noor", NINE + 3 * MINUTE, NINE + 25 * MINUTE)
    changed = answers_about(SessionHeld("lesson", "m1", "Algebra", NINE, END, (longer,)), END + 20 * MINUTE)
    later.observations[:] = [one for one in changed.observations if one.subject_id == "by-api"]
    with connect(database_url) as worker, worker.transaction():
        observe(worker, later, Scope())
    with psycopg.connect(database_url) as connection:
        first, last = (
            row[0]
            for row in connection.execute(
                "SELECT id FROM rollcall.observations WHERE subject_id = 'by-api' ORDER BY id"
            )
        )
    assert "A later one" in console.get(f"/observations/{first}")
    assert f"/observations/{last}" in console.get(f"/observations/{first}")
    assert f"/observations/{first}" in console.get(f"/observations/{last}")


@pytest.mark.usefixtures("lesson")
def test_who_reads_sees_nothing_of_people_in_an_answer(console: RunningConsole, database_url: str) -> None:
    with psycopg.connect(database_url) as connection:
        ids = [row[0] for row in connection.execute("SELECT id FROM rollcall.observations")]
    secrets = ("Ada Lovelace", "student-1", "Algebra", "recordings.example.com")
    for suffix in ("", "?csv=entries", "?csv=others"):
        seen = "".join(console.get(f"/observations/{one}{suffix}", READER) for one in ids)
        assert not [secret for secret in secrets if secret in seen]
    for user in (PERSON, OPERATOR):
        seen = "".join(console.get(f"/observations/{one}", user) for one in ids)
        assert all(secret in seen for secret in secrets)


def test_an_observation_that_is_not_there_is_not_found(console: RunningConsole) -> None:
    console.get(f"/observations/{UUID(int=1)}", status=404)
    console.get("/observations/none", status=400)
