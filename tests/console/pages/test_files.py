"""A table's file: all rows that the table has on all of its pages, sent as they are read."""

import csv
import io
import socket

import psycopg
import pytest

from console.pages.listing import FILE_ROWS
from tests.console.commands.rows import SESSION, at, delivery, insert, session
from tests.console.pages.running import HEADER, OPERATOR, RunningConsole

# More than two times as many as are read at once.
MANY = 2 * FILE_ROWS + 7


def rows(console: RunningConsole, path: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(console.get(path))))


@pytest.fixture
def many(database_url: str) -> str:
    """Many sessions of a person and a meeting, each with a delivery; one session with many of everything."""
    session(database_url, started_at=at(0), last_event_at=at(0))
    insert(database_url, "endpoints", id="ep_1", name="crm", url="https://example.com/")
    with psycopg.connect(database_url) as connection:
        for statement in (
            """
            INSERT INTO rollcall.sessions (id, meeting_id, organization_id, status, stated_started_at, last_received_at,
                last_event_at)
            SELECT 's' || n, 'm2', 'o1', 'live', at, at, at
            FROM generate_series(1, %(many)s) AS n,
                LATERAL (SELECT %(nine)s + n / 3 * interval '1 second' AS at) AS began""",
            """
            INSERT INTO rollcall.participants (session_id, peer_id, custom_participant_id, stated_joined_at, joined_at)
            SELECT id, 'p', 'student-1', started_at, started_at FROM rollcall.sessions WHERE meeting_id = 'm2'""",
            """
            INSERT INTO rollcall.deliveries (id, provider, body_sha256, status, event, session_id, received_at)
            SELECT gen_random_uuid(), 'dyte', sha256(n::text::bytea), 'processed', 'e', %(session)s, now()
            FROM generate_series(1, %(many)s) AS n""",
            """
            INSERT INTO rollcall.observations (
                id, source, kind, subject_id, session_id, observed_at, confirmed_at, body_sha256)
            SELECT gen_random_uuid(), 'dyte', 'participant', n::text, %(session)s, now(), now(), sha256('x')
            FROM generate_series(1, %(many)s) AS n""",
            """
            INSERT INTO rollcall.timeline (id, session_id, occurred_at, kind, subject_id, detail, delivery_id)
            SELECT id, %(session)s, %(nine)s, 'participant.joined', id::text, '{}', id FROM rollcall.deliveries""",
            """
            INSERT INTO rollcall.messages (id, type, occurred_at, session_id, body)
            SELECT 'msg_' || n, 'session.settled', now(), %(session)s, '{}' FROM generate_series(1, %(many)s) AS n""",
            """
            INSERT INTO rollcall.message_deliveries (message_id, endpoint_id, position, session_id, status)
            SELECT id, 'ep_1', position, session_id, 'delivered' FROM rollcall.messages""",
        ):
            connection.execute(statement, {"many": MANY, "session": SESSION, "nine": at(0)})
    return database_url


@pytest.mark.usefixtures("many")
def test_a_file_has_the_rows_of_all_pages_once_and_in_order(console: RunningConsole) -> None:
    for path, key, more in (
        ("/sessions?csv=sessions", "session_id", 1),
        ("/meetings/m2?csv=sessions", "session_id", 0),
        ("/people/student-1?csv=sessions", "session_id", 0),
        ("/deliveries?csv=deliveries", "id", 0),
        ("/automations?csv=messages", "id", 0),
        (f"/sessions/{SESSION}?csv=timeline", "delivery_id", 0),
        (f"/sessions/{SESSION}?csv=deliveries", "id", 0),
        (f"/sessions/{SESSION}?csv=observations", "id", 0),
        (f"/sessions/{SESSION}?csv=messages", "occurred_at", 0),
    ):
        found = rows(console, path)
        assert len(found) == MANY + more, path
        assert key == "occurred_at" or len({row[key] for row in found}) == MANY + more, path
        if "started_at" in found[0]:
            assert [row["started_at"] for row in found] == sorted((row["started_at"] for row in found), reverse=True)


@pytest.mark.usefixtures("many")
def test_a_browser_that_goes_away_gives_its_turn_back(console: RunningConsole) -> None:
    for _ in range(6):
        with socket.create_connection(("127.0.0.1", console.settings.port)) as browser:
            browser.sendall(
                f"GET /sessions?csv=sessions HTTP/1.1\r\nhost: 127.0.0.1:{console.settings.port}\r\n"
                f"{HEADER}: {OPERATOR}\r\n\r\n".encode()
            )
            assert browser.recv(100).startswith(b"HTTP/1.1 200")
    assert len(rows(console, "/sessions?csv=sessions")) == MANY + 1


def test_what_is_wrong_is_said_instead_of_a_file(console: RunningConsole, database_url: str) -> None:
    delivery(database_url, at(0))
    for path, status in (
        ("/deliveries?csv=nothing", 400), ("/deliveries?csv=deliveries&from=x", 400),
        ("/sessions/none?csv=people", 404), ("/sessions?csv=sessions&after=x", 400),
    ):  # fmt: skip
        assert "<h1>" in console.get(path, status=status)


def test_an_empty_table_is_a_file_with_its_heading(console: RunningConsole) -> None:
    assert console.get("/deliveries?csv=deliveries").startswith("received_at,status,event")
