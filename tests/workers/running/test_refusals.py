"""What the database refuses costs no neighbour its place, is said aloud, and needs nothing but the server's repair."""

import json
from pathlib import Path

import psycopg
import pytest

from tests.workers.queue.deliveries import a_delivery, wait_until
from tests.workers.running.refusing import Work, joined, started, working
from workers.queue.delivery import Delivery

REFUSED = "rollcall_refused_by_database_total"


def held(work: Work) -> None:
    """Return once the worker has been refused several times."""
    before = work.figure(REFUSED)
    wait_until(lambda: work.figure(REFUSED) >= before + 3)
    assert not work.is_queue_empty()


@pytest.mark.parametrize(
    ("harm", "repair", "sqlstate", "named"),
    [
        ("TABLE rollcall.sessions RENAME TO x", "TABLE rollcall.x RENAME TO sessions", "42P01", "rollcall.sessions"),
        (
            "TABLE rollcall.meetings RENAME COLUMN title TO x",
            "TABLE rollcall.meetings RENAME COLUMN x TO title",
            "42703",
            "title",
        ),
        ("TABLE rollcall.deliveries RENAME TO x", "TABLE rollcall.x RENAME TO deliveries", "42P01", "deliveries"),
        ("SCHEMA rollcall RENAME TO x", "SCHEMA x RENAME TO rollcall", "3F000", '"rollcall"'),
    ],
)
def test_where_all_are_refused_they_are_held_and_a_repair_is_enough(
    tmp_path: Path, database_url: str, harm: str, repair: str, sqlstate: str, named: str
) -> None:
    with working(tmp_path, database_url) as work:
        work.publish([started("first")])
        work.wait_for(processed=1)
        work.connection.execute(f"ALTER {harm}".encode())
        work.publish([started("second"), started("third")], [started("fourth")])
        held(work)
        assert work.figure("rollcall_database_up") == 1.0
        assert not work.logged("database_away")
        assert not work.logged("message_returned"), "it is held, not put back"
        [said, *_] = work.logged("database_refuses")
        assert said["sqlstate"] == sqlstate
        assert named in said["says"]
        assert said["deliveries"]
        work.connection.execute(f"ALTER {repair}".encode())
        work.wait_for(processed=4)


@pytest.fixture
def worker_only_url(database_url: str) -> str:
    """The URL of the same database for a role that is not its owner, and that has what a worker needs."""
    with psycopg.connect(database_url, autocommit=True) as owner:
        owner.execute("DROP ROLE IF EXISTS worker_only; CREATE ROLE worker_only")
        owner.execute("GRANT USAGE ON SCHEMA rollcall, rollcall_queue TO worker_only")
        owner.execute("GRANT ALL ON ALL TABLES IN SCHEMA rollcall, rollcall_queue TO worker_only")
        owner.execute("GRANT ALL ON ALL SEQUENCES IN SCHEMA rollcall, rollcall_queue TO worker_only")
    return f"{database_url}{'&' if '?' in database_url else '?'}options=-crole%3Dworker_only"


def test_a_right_that_was_revoked_is_only_to_be_granted_again(
    tmp_path: Path, database_url: str, worker_only_url: str
) -> None:
    with working(tmp_path, database_url, worker_only_url) as work:
        work.publish([started("first")])
        work.wait_for(processed=1)
        work.connection.execute("REVOKE INSERT ON rollcall.sessions FROM worker_only")
        work.publish([started("second")], [started("third")])
        held(work)
        assert {line["says"] for line in work.logged("database_refuses")} == {"permission denied for table sessions"}
        work.connection.execute("GRANT INSERT ON rollcall.sessions TO worker_only")
        work.wait_for(processed=3)
        work.connection.execute("DROP OWNED BY worker_only")


@pytest.mark.parametrize("code", ["P0001", "55000", "42501", "0A000", "XX000", "28000", "21000", "99999"])
@pytest.mark.parametrize("deferred", [False, True])
def test_one_that_is_refused_while_its_neighbours_are_taken_is_quarantined_alone(
    tmp_path: Path, database_url: str, code: str, *, deferred: bool
) -> None:
    with working(tmp_path, database_url) as work:
        work.refuse("meetings", "NEW.title = 'poison'", code, deferred=deferred)
        poison = started("s-3", "poison")
        work.publish([started("s-1"), started("s-2"), poison, started("s-4"), joined("s-1", "p-1")])
        work.wait_for(processed=4, quarantined=1)
        [(id_, error, raw)] = work.connection.execute(
            "SELECT id, error, raw FROM rollcall.deliveries WHERE status = 'quarantined'"
        ).fetchall()
        assert (id_, raw) == (poison.id, poison.body)
        assert code in error
        assert work.logged("delivery_refused")[0]["delivery_id"] == str(poison.id)
        assert work.logged("delivery_refused")[0]["says"] == "not today"


@pytest.mark.parametrize("code", ["22023", "23514", "54000"])
@pytest.mark.parametrize("deferred", [False, True])
def test_one_whose_data_do_not_fit_is_quarantined_even_alone(
    tmp_path: Path, database_url: str, code: str, *, deferred: bool
) -> None:
    with working(tmp_path, database_url) as work:
        work.refuse("meetings", "NEW.title = 'poison'", code, deferred=deferred)
        work.publish([started("s-1", "poison")])
        work.wait_for(quarantined=1)
        assert work.figure(REFUSED) == 0


def test_one_that_is_refused_alone_is_held_while_other_kinds_go_on_and_judged_once_there_is_a_neighbour(
    tmp_path: Path, database_url: str
) -> None:
    with working(tmp_path, database_url) as work:
        work.refuse("meetings", "NEW.title = 'poison'", "55000")
        work.publish([started("s-1", "poison")])
        held(work)
        work.publish([joined("s-2", "p-2")])
        wait_until(lambda: work.statuses() == {"processed": 1})
        held(work)
        assert work.statuses() == {"processed": 1}, "another kind of event proves nothing"

        # It goes back to the queue and comes again; its neighbours of the same kind come until they meet.
        def judged(number: list[int] = [0]) -> bool:  # noqa: B006 - counts the calls
            number[0] += 1
            work.publish([started(f"more-{number[0]}")])
            return "quarantined" in work.statuses()

        wait_until(judged)
        wait_until(work.is_queue_empty)


def test_groups_that_were_gathered_with_a_refused_one_go_through(tmp_path: Path, database_url: str) -> None:
    with working(tmp_path, database_url) as work:
        work.refuse("participants", "NEW.display_name = 'poison'", "55000")
        with work.connection.transaction():
            # While nobody gets on, groups gather.
            work.connection.execute("LOCK TABLE rollcall.deliveries IN ACCESS EXCLUSIVE MODE")
            work.publish([joined("s-0", "p-0", "poison")], *([started(f"s-{number}")] for number in range(1, 10)))
        wait_until(lambda: work.statuses() == {"processed": 9})
        held(work)
        work.repair("participants")
        work.wait_for(processed=10)


@pytest.mark.parametrize("code", ["53100", "53200", "08006", "57P03", "58030", "25006"])
def test_a_server_that_can_not_work_now_is_waited_for(tmp_path: Path, database_url: str, code: str) -> None:
    with working(tmp_path, database_url) as work:
        work.refuse("meetings", "NEW.title = 'poison'", code, "'no room for ' || NEW.title")
        work.publish([started("s-1", "poison"), started("s-2")])
        wait_until(lambda: work.logged("database_away"))
        assert work.figure("rollcall_database_up") == 0.0
        assert work.figure(REFUSED) == 0.0
        assert work.logged("database_away")[0]["says"] == "no room for …"
        work.repair("meetings")
        work.wait_for(processed=2)
        assert work.figure("rollcall_database_up") == 1.0


@pytest.mark.parametrize("code", ["40001", "40P01", "55P03", "57014"])
def test_somebody_in_the_way_is_no_outage(tmp_path: Path, database_url: str, code: str) -> None:
    with working(tmp_path, database_url) as work:
        work.refuse("meetings", code=code)
        work.publish([started("s-1")])
        wait_until(lambda: work.logged("database_contended"))
        assert work.figure("rollcall_database_up") == 1.0
        assert not work.logged("database_away")
        work.repair("meetings")
        work.wait_for(processed=1)


def test_no_line_of_the_log_shows_what_a_delivery_states(tmp_path: Path, database_url: str) -> None:
    secret = "Zoë Quiñones-O'Brien"
    body = json.dumps(
        {
            "event": "meeting.participantJoined",
            "meeting": {"id": "meeting-s", "sessionId": "s"},
            "participant": {"peerId": "p", "userDisplayName": secret, "customParticipantId": "4711"},
        }
    )
    with working(tmp_path, database_url) as work:
        says = "'cannot file ' || NEW.display_name || ' (' || NEW.custom_participant_id || ') under \"' || NEW || '\"'"
        work.refuse("participants", says=says)
        work.publish([a_delivery(body.encode())])
        held(work)
        [said, *_] = work.logged("database_refuses")
        assert said["says"] == "cannot file … (…) under …"
        assert said["table"] is None
        for part in ("Zoë", "Quiñones", "Zo\\u00eb", "Brien", "4711"):
            assert part not in work.log()


def _of(deliveries: list[Delivery]) -> set[str]:
    return {str(delivery.id) for delivery in deliveries}


def test_a_missing_table_of_one_kind_holds_that_kind_alone(tmp_path: Path, database_url: str) -> None:
    with working(tmp_path, database_url) as work:
        work.connection.execute("ALTER TABLE rollcall.participant_events RENAME TO x")
        refused = [joined("s-1", "p-1"), joined("s-1", "p-2")]
        work.publish([*refused, started("s-2")], [started("s-3")])
        wait_until(lambda: work.statuses() == {"processed": 2})
        held(work)
        assert work.statuses() == {"processed": 2}
        assert set(work.logged("database_refuses")[0]["deliveries"]) == _of(refused)
        work.connection.execute("ALTER TABLE rollcall.x RENAME TO participant_events")
        work.wait_for(processed=4)


def test_a_worker_that_holds_what_is_refused_stops_in_order(tmp_path: Path, database_url: str) -> None:
    with working(tmp_path, database_url) as work:
        work.refuse("sessions")
        work.publish([started("s-1")])
        held(work)
    with psycopg.connect(database_url) as connection:
        assert connection.execute("SELECT state FROM rollcall_queue.queue").fetchall() == [("queued",)]
