"""`rollcall timeline` on real tables."""

import json

import pytest

from tests.console.commands import rows
from tests.console.conftest import Rollcall


@pytest.fixture
def session(database_url: str) -> str:
    """A session with a rejoin; its rows come in no order."""
    rows.insert(database_url, "organizations", id="o1", name="Harbour Academy")
    rows.session(database_url, ended_at=rows.at(52), status="ended", end_reason="HOST_ENDED_MEETING")
    for peer_id, name, person in (("p1", "Ana Ruiz", "student-118"), ("p2", "Ana Ruiz", "student-118")):
        rows.participant(database_url, peer_id, display_name=name, custom_participant_id=person)
    rows.entry(database_url, "session.ended", rows.at(52), rows.at(53), detail={"reason": "HOST_ENDED_MEETING"})
    rows.entry(database_url, "recording.invoked", rows.at(2), rows.at(2), subject_id="r1", detail={"status": "INVOKED"})
    rows.entry(database_url, "participant.left", rows.at(20), rows.at(21), subject_id="p1")
    rows.entry(database_url, "participant.joined", rows.at(22), rows.at(23), subject_id="p2")
    rows.entry(database_url, "participant.joined", rows.at(0), rows.at(0.5), subject_id="p1")
    rows.entry(database_url, "participant.left", rows.at(52), rows.at(55), subject_id="stranger")
    rows.entry(database_url, "session.started", rows.at(0), rows.at(1))
    return rows.SESSION


def test_it_tells_who_did_what_when_in_order(rollcall: Rollcall, database_url: str, session: str) -> None:
    done = rollcall("timeline", session, DATABASE_URL=database_url)
    assert (done.returncode, done.stderr) == (0, "")
    header, table = done.stdout.split("\n\n")
    assert header.splitlines() == [
        "Algebra II",
        "ended, started 2026-03-02 09:00:00, ended 2026-03-02 09:52:00 (HOST_ENDED_MEETING), 0:52:00 long",
        "1 person, 2 connections",
        f"session {session}",
        "meeting m1 of Harbour Academy",
    ]
    assert [" ".join(line.split()) for line in table.splitlines()[1:]] == [
        "2026-03-02 09:00:00 0:00:00 session.started",
        "2026-03-02 09:00:00 0:00:00 participant.joined Ana Ruiz (student-118)",
        "~2026-03-02 09:02:00 0:02:00 recording.invoked r1",
        "2026-03-02 09:20:00 0:20:00 participant.left Ana Ruiz (student-118)",
        "2026-03-02 09:22:00 0:22:00 participant.joined Ana Ruiz (student-118)",
        "2026-03-02 09:52:00 0:52:00 participant.left stranger",
        "2026-03-02 09:52:00 0:52:00 session.ended HOST_ENDED_MEETING",
    ]


def test_json_is_an_array_of_entries(rollcall: Rollcall, database_url: str) -> None:
    rows.session(database_url)
    delivery_id = rows.entry(
        database_url, "participant.joined", rows.at(1), rows.at(2), subject_id="p1", detail={"name": "花子 🎸"}
    )
    assert json.loads(rollcall("timeline", rows.SESSION, "--json", DATABASE_URL=database_url).stdout) == [
        {
            "session_id": rows.SESSION,
            "occurred_at": "2026-03-02T09:01:00Z",
            "kind": "participant.joined",
            "subject_id": "p1",
            "detail": {"name": "花子 🎸"},
            "delivery_id": str(delivery_id),
            "observation_id": None,
        }
    ]


def test_the_start_of_an_id_is_enough_where_only_one_has_it(rollcall: Rollcall, database_url: str) -> None:
    rows.session(database_url, "abc-1")
    rows.session(database_url, "abc-2")
    rows.session(database_url, "abc")
    rows.session(database_url, "xyz_%-1")
    assert "session xyz_%-1" in rollcall("timeline", "xyz_%", DATABASE_URL=database_url).stdout
    assert "session abc\n" in rollcall("timeline", "abc", DATABASE_URL=database_url).stdout
    done = rollcall("timeline", "abc-", DATABASE_URL=database_url)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == "Several sessions start with 'abc-', give more of the id: abc-1, abc-2\n"


@pytest.mark.parametrize("unknown", ["nope", "%", "_", ""])
def test_a_session_that_does_not_exist_is_one_line(rollcall: Rollcall, database_url: str, unknown: str) -> None:
    rows.session(database_url)
    done = rollcall("timeline", unknown, DATABASE_URL=database_url)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith("There is no session ")
    assert done.stderr.count("\n") == 1


def test_an_argument_that_is_no_text_is_one_line(rollcall: Rollcall, database_url: str) -> None:
    done = rollcall("timeline", "\udcff", DATABASE_URL=database_url)
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (1, "", 1)
