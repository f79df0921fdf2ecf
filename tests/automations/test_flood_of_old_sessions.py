"""A year of old sessions, posted late: nothing of it is sent, until somebody asks for a part of it."""

import random
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psycopg
from cryptography.fernet import Fernet

from console.samples.session import sample_session
from tests.automations.sending.receiving import receiving
from tests.processes import System, count, run_system
from tests.receiver.running import wait_until
from workers.queue.delivery import Provider

SESSIONS = 200
POSTING_AT_ONCE = 16
SECONDS = 60.0
SETTINGS = {"AUTOMATIONS_ALLOW": "127.0.0.0/8", "SETTLE_AFTER": "0"}

NOT_TOLD = "(SELECT FROM rollcall.marks UNION ALL SELECT FROM rollcall.tellings WHERE due_at < 'infinity') AS one"
STATUSES = "SELECT DISTINCT status, reason FROM rollcall.message_deliveries"
SINCE = """
SELECT message.id FROM rollcall.messages AS message JOIN rollcall.sessions AS session
    ON session.id = message.session_id OR (message.session_id IS NULL AND session.meeting_id = message.meeting_id)
WHERE message.occurred_at >= %(since)s AND session.ended_at >= %(since)s
"""


def test_it_is_held_and_recover_sends_what_is_asked_for(tmp_path: Path, database_url: str) -> None:
    now = datetime.now(UTC)
    since = now - timedelta(days=90)
    settings = {**SETTINGS, "SECRETS_KEY": Fernet.generate_key().decode()}
    with (
        run_system(tmp_path, database_url, **settings) as system,
        psycopg.connect(database_url, autocommit=True) as connection,
        receiving() as server,
    ):
        assert "whsec_" in system.rollcall("endpoints", "add", f"{server.url}/mail", "--name", "mail")
        with announcing_and_sending(system):
            system.wait_for(post(system, sessions_of_a_year(now)))
            wait_until(lambda: count(connection, NOT_TOLD) == 0, "all is told", SECONDS)
            assert settled(connection) == SESSIONS
            assert connection.execute(STATUSES).fetchall() == [("held", "old")]
            # Whatever is sent, is sent before the message of a test that is put now.
            system.rollcall("endpoints", "test", "mail")
            [test] = server.wait_for("/mail", 1)
            assert b'"rollcall.test"' in test.body

            asked_for = {id_ for (id_,) in connection.execute(SINCE, {"since": since}).fetchall()}
            said = system.rollcall("endpoints", "recover", "mail", "--since", since.isoformat(), "--yes")
            assert said.startswith(f"{len(asked_for)} held and 0 new messages go out"), said
            server.wait_for("/mail", 1 + len(asked_for))
            assert {one.id for one in server.of("/mail")} == asked_for | {test.id}
            assert 0 < len(asked_for) < count(connection, "rollcall.messages") / 2


@contextmanager
def announcing_and_sending(system: System) -> Iterator[None]:
    process = system.start("automations")
    try:
        yield
    finally:
        process.terminate()
        process.wait(60)


def sessions_of_a_year(now: datetime) -> list[tuple[Provider, bytes]]:
    """The deliveries of sessions that ended in the year before yesterday, each in order, all sessions mixed."""
    chance = random.Random(13)
    left = []
    for _ in range(SESSIONS):
        dialect = chance.choice(list(Provider))
        ended_at = now - timedelta(days=chance.uniform(2, 365))
        left.append([(dialect, body) for body in reversed(sample_session(dialect, ended_at, chance).bodies)])
    turns = [session for session in left for _ in session]
    chance.shuffle(turns)
    return [session.pop() for session in turns]


def post(system: System, deliveries: Sequence[tuple[Provider, bytes]]) -> int:
    """Post all, and return how many."""

    def post_one(number: int) -> int:
        provider, body = deliveries[number]
        return system.post(body, provider.value, f"uuid-{number}").status

    with ThreadPoolExecutor(POSTING_AT_ONCE) as posting:
        assert set(posting.map(post_one, range(len(deliveries)))) == {200}
    return len(deliveries)


def settled(connection: psycopg.Connection[tuple[int, ...]]) -> int:
    return count(connection, "rollcall.messages WHERE type = 'session.settled'")
