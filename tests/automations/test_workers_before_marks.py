"""An upgrade from a version before outgoing webhooks: what its workers still wrote is told all the same."""

import random
from datetime import UTC, datetime
from pathlib import Path

import psycopg
from cryptography.fernet import Fernet

from console.samples.session import sample_session
from tests.automations.sending.receiving import receiving
from tests.processes import System, count, run_system
from tests.receiver.running import wait_until
from workers.queue.delivery import Provider

SESSIONS = 5
SETTINGS = {"AUTOMATIONS_ALLOW": "127.0.0.0/8", "SETTLE_AFTER": "0"}

# Makes a worker one of before: all that it writes is written, but no marks.
MARKS_NOTHING = """
CREATE FUNCTION rollcall.mark_nothing() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END';
CREATE TRIGGER mark_nothing BEFORE INSERT ON rollcall.marks FOR EACH ROW EXECUTE FUNCTION rollcall.mark_nothing();
"""
MARKS_AGAIN = "DROP FUNCTION rollcall.mark_nothing() CASCADE"
UNTOLD = """rollcall.timeline AS entry WHERE session_id IS NOT NULL AND NOT EXISTS (
    SELECT FROM rollcall.messages AS message
    WHERE message.session_id = entry.session_id AND message.type = entry.kind
        AND message.body -> 'data' -> 'entry' ->> 'subject_id' = entry.subject_id
)"""


def test_what_workers_of_before_left_unmarked_is_told_once_automations_starts(
    tmp_path: Path, database_url: str
) -> None:
    settings = {**SETTINGS, "SECRETS_KEY": Fernet.generate_key().decode()}
    with (
        run_system(tmp_path, database_url, **settings) as system,
        psycopg.connect(database_url, autocommit=True) as connection,
        receiving() as server,
    ):
        assert "whsec_" in system.rollcall("endpoints", "add", f"{server.url}/a")
        connection.execute(MARKS_NOTHING)
        before = post_sessions(system, seed=1)
        system.wait_for(before)
        assert count(connection, "rollcall.marks") == 0
        # The last worker of before has ended: those of now mark what they write.
        connection.execute(MARKS_AGAIN)
        automations = system.start("automations")
        try:
            system.wait_for(before + post_sessions(system, seed=2))
            wait_until(lambda: count(connection, UNTOLD) == 0, "all entries are told", 60)
            wait_until(
                lambda: count(connection, "rollcall.messages WHERE type = 'session.settled'") == 2 * SESSIONS,
                "all sessions settle",
                60,
            )
            server.wait_for("/a", count(connection, "rollcall.messages"))
        finally:
            automations.terminate()
            automations.wait(60)
        ids = [one.id for one in server.of("/a")]
        assert len(ids) == len(set(ids))


def post_sessions(system: System, seed: int) -> int:
    """Post some sessions of now, and return how many deliveries they are."""
    chance = random.Random(seed)
    bodies = [
        body for _ in range(SESSIONS) for body in sample_session(Provider.REALTIMEKIT, datetime.now(UTC), chance).bodies
    ]
    for number, body in enumerate(bodies):
        assert system.post(body, "realtimekit", f"uuid-{seed}-{number}").status == 200
    return len(bodies)
