"""`/sessions/ID`: the chart, the people, what happened, and where it comes from."""

import csv
import io
import re
from datetime import timedelta
from pathlib import Path

import psycopg
import pytest

from tests.console.commands.rows import NINE, SESSION, at, delivery, entry, insert, participant, session
from tests.console.conftest import Rollcall
from tests.console.pages.running import OPERATOR, PERSON, READER, RunningConsole

PAGE = f"/sessions/{SESSION}"
NAMES = ("Ada Lovelace", "student-1", "Ben", "student-2", "Algebra II", "lesson.mp4", "https://files.example")


@pytest.fixture
def lesson(database_url: str) -> str:
    """A lesson: Ada drops out and comes back, Ben's leave is inferred, it is recorded with a pause."""
    session(database_url, status="ended", ended_at=at(60), last_event_at=at(61))
    ada = {"custom_participant_id": "student-1", "display_name": "Ada Lovelace"}
    participant(database_url, "peer-1", **ada, joined_at=at(0), left_at=at(20), left_source="event")
    participant(database_url, "peer-2", **ada, joined_at=at(25), left_at=at(60), left_source="event")
    ben = {"custom_participant_id": "student-2", "display_name": "Ben"}
    participant(database_url, "peer-3", **ben, joined_at=at(30), left_at=at(60), left_source="session_end")
    joined = entry(database_url, "participant.joined", at(0), at(0), subject_id="peer-1")
    insert(
        database_url, "participant_events", session_id=SESSION, peer_id="peer-1", kind="joined", occurred_at=at(0),
        delivery_id=joined,
    )  # fmt: skip
    insert(
        database_url, "recordings", id="r1", session_id=SESSION, status="UPLOADED", started_at=at(5), stopped_at=at(55),
        file_name="lesson.mp4", download_url="https://files.example/r1",
    )  # fmt: skip
    for kind, minutes in (("recording", 5), ("paused", 20), ("recording", 30), ("uploaded", 59)):
        entry(database_url, f"recording.{kind}", at(minutes), at(minutes), subject_id="r1", detail={"reason": "told"})
    delivery(database_url, at(70), status="quarantined", error="no meeting of Ada Lovelace", event="x")
    return str(joined)


def rows(console: RunningConsole, name: str, user: str = OPERATOR) -> list[dict[str, str]]:
    with console.client(user) as client:
        return list(csv.DictReader(io.StringIO(client.get(f"{PAGE}?csv={name}").text)))


def test_the_chart_has_a_row_a_person_and_a_bar_a_connection(console: RunningConsole, lesson: str) -> None:
    page = console.get(PAGE)
    chart = re.search(r"<svg.*?</svg>", page, re.DOTALL)
    assert chart is not None
    names = re.search(r'<g class="names".*?</g>', chart[0], re.DOTALL)
    assert names is not None
    assert re.findall(r">([^<]+)</text>", names[0]) == ["Ada Lovelace", "Ben"]
    bars = re.search(r'<g class="bars".*?</g>', chart[0], re.DOTALL)
    assert bars is not None
    says = re.findall(r"<title>([^<]+)</title>", bars[0])
    assert says == [
        "Ada Lovelace: 20 min 00 s", "Ada Lovelace: 35 min 00 s", "Ben: 30 min 00 s, end inferred",
    ]  # fmt: skip
    assert re.findall(r'class="hatched"[^>]* d="(M[^M"]*)"', bars[0])
    assert "the end is inferred" in page
    tapes = re.search(r'<g class="tapes".*?</g>', chart[0], re.DOTALL)
    assert tapes is not None
    assert re.findall(r"<title>([^<]+)</title>", tapes[0]) == [
        "Recording UPLOADED: 15 min 00 s", "Recording UPLOADED: 25 min 00 s", "recording uploaded",
    ]  # fmt: skip


def test_a_bar_leads_to_the_delivery_that_says_so(console: RunningConsole, lesson: str) -> None:
    assert console.get(PAGE).count(f'href="/deliveries/{lesson}"') >= 2


def test_people_have_attended_time_and_share(console: RunningConsole, lesson: str) -> None:
    ada, ben = rows(console, "people")
    assert (ada["display_name"], ada["connections"], float(ada["attended_seconds"])) == ("Ada Lovelace", "2", 3300)
    assert float(ada["share"]) == pytest.approx(55 / 60)
    assert float(ben["share"]) == 0.5
    assert "92 %" in console.get(PAGE)


def test_people_are_listed_by_how_long_they_attended_on_request(console: RunningConsole, lesson: str) -> None:
    def names(page: str) -> list[str]:
        return re.findall(r"<bdi>(Ada Lovelace|Ben)</bdi>", page.partition('id="people"')[2].partition("</table>")[0])

    page = console.get(PAGE)
    assert names(page) == ["Ada Lovelace", "Ben"]
    assert f'href="{PAGE}?order=share#people"' in page
    assert names(console.get(f"{PAGE}?order=share")) == ["Ben", "Ada Lovelace"]
    console.get(f"{PAGE}?order=x", status=400)


def test_people_are_found_by_the_start_of_their_name(console: RunningConsole, lesson: str) -> None:
    page = console.get(f"{PAGE}?person=ada")
    assert "Ben: 30 min" not in page
    assert "Ada Lovelace: 20 min" in page
    assert "Your role does not show" in console.get(f"{PAGE}?person=ada", READER, status=403)


def test_a_long_gap_is_folded_and_unfolded_on_request(console: RunningConsole, database_url: str) -> None:
    session(database_url, status="ended", ended_at=at(241), last_event_at=at(241))
    participant(database_url, "peer-1", joined_at=at(0), left_at=at(10), left_source="event")
    participant(database_url, "peer-2", joined_at=at(230), left_at=at(241), left_source="event")
    page = console.get(PAGE)
    assert "Nothing for 3 h 40 min" in page
    unfolded = console.get(f"{PAGE}?gaps=shown")
    assert "Nothing for" not in unfolded
    assert "Fold gaps" in unfolded


def test_the_axis_is_in_the_viewers_zone(console: RunningConsole, lesson: str) -> None:
    assert ">09:30</text>" in console.get(PAGE)
    assert ">10:30</text>" in console.get(f"{PAGE}?tz=Europe/Berlin")


def test_the_timeline_and_the_deliveries_come_a_hundred_at_a_time(console: RunningConsole, database_url: str) -> None:
    session(database_url)
    for number in range(230):
        entry(database_url, "participant.joined", NINE + timedelta(seconds=number), at(0), subject_id=f"p{number:03}")
    seen: list[str] = []
    path: str | None = PAGE
    while path:
        page = console.get(path)
        timeline = page.partition('id="timeline"')[2].partition("</table>")[0]
        seen += re.findall(r"<bdi>(p\d+)</bdi>", timeline)
        found = re.search(r'href="([^"#]*)#timeline" rel="next"', page)
        path = found[1].replace("&amp;", "&") if found else None
    assert seen == [f"p{number:03}" for number in range(230)]
    assert len(rows(console, "timeline")) == 230


def test_a_session_of_five_hundred_connections_is_a_small_page(console: RunningConsole, database_url: str) -> None:
    session(database_url, status="ended", ended_at=at(60), last_event_at=at(61))
    with psycopg.connect(database_url) as connection:
        for statement in (
            """
            INSERT INTO rollcall.participants (session_id, peer_id, custom_participant_id, display_name,
                stated_joined_at, joined_source, joined_at, left_at, left_source)
            SELECT %(session)s, 'peer-' || lpad(n::text, 32, '0'), 'student-' || n,
                'Student number ' || n || ' of the lesson', at, 'event', at, %(end)s, 'session_end'
            FROM generate_series(0, 499) AS n, LATERAL (SELECT %(nine)s + n * interval '1 second' AS at) AS joined""",
            """
            INSERT INTO rollcall.deliveries (id, provider, body_sha256, status, event, session_id, received_at)
            SELECT gen_random_uuid(), 'dyte', sha256(peer_id::bytea), 'processed', peer_id, session_id, joined_at
            FROM rollcall.participants""",
            """
            INSERT INTO rollcall.participant_events (session_id, peer_id, kind, occurred_at, delivery_id)
            SELECT session_id, event, 'joined', received_at, id FROM rollcall.deliveries""",
            """
            INSERT INTO rollcall.timeline (id, session_id, occurred_at, kind, subject_id, detail, delivery_id)
            SELECT id, session_id, received_at, 'participant.joined', event, '{}', id FROM rollcall.deliveries""",
        ):
            connection.execute(statement, {"session": SESSION, "nine": NINE, "end": at(60)})
    entry(database_url, "session.ended", at(60), at(60))
    assert len(console.get(PAGE).encode()) <= 400_000


@pytest.mark.parametrize(
    "suffix", ["", "?csv=people", "?csv=connections", "?csv=recordings", "?csv=timeline", "?csv=deliveries"]
)
def test_who_reads_sees_nothing_of_people(console: RunningConsole, lesson: str, suffix: str) -> None:
    page = console.get(PAGE + suffix, READER)
    for name in (*NAMES, "told", "no meeting of"):
        assert name not in page
    everything = "".join(console.get(PAGE + one, PERSON) for one in ("", "?csv=recordings", "?csv=deliveries"))
    for name in NAMES:
        assert name in everything
    if not suffix:
        assert "peer-1" in page


def test_a_session_that_is_not_there_is_not_found(console: RunningConsole) -> None:
    page = console.get("/sessions/none", status=404)
    assert "There is no session of this id." in page


def test_hostile_names_are_text_in_page_and_chart(console: RunningConsole, database_url: str) -> None:
    name = '</text><script>alert(1)</script>"\x1b[31m\N{RIGHT-TO-LEFT OVERRIDE}\N{PILE OF POO}' + "z" * 10_000
    session(database_url, title=name)
    participant(database_url, name[:200], custom_participant_id=name, display_name=name, joined_at=at(0))
    page = console.get(PAGE)
    for forbidden in ("<script>alert", "\x1b", "\N{RIGHT-TO-LEFT OVERRIDE}"):
        assert forbidden not in page
    assert len(page) < 40_000


def test_a_chart_is_written_as_svg_and_png(
    rollcall_here: Rollcall, database_url: str, lesson: str, folder: Path
) -> None:
    pytest.importorskip("resvg_py")
    done = rollcall_here(
        "timeline", SESSION, "--svg", "a.svg", "--png", "a.png", "--tz", "Europe/Berlin", DATABASE_URL=database_url
    )
    assert (done.returncode, done.stdout) == (0, "")
    drawn = (folder / "a.svg").read_text(encoding="utf-8")
    assert drawn.startswith("<svg")
    assert "Ada Lovelace" in drawn
    assert ">10:30</text>" in drawn
    assert "href" not in drawn
    assert (folder / "a.png").read_bytes().startswith(b"\x89PNG")


def test_a_wrong_zone_is_refused(rollcall_here: Rollcall, database_url: str, lesson: str) -> None:
    done = rollcall_here("timeline", SESSION, "--svg", "a.svg", "--tz", "Mars/X", DATABASE_URL=database_url)
    assert done.returncode == 1
    assert "is not a time zone" in done.stderr
