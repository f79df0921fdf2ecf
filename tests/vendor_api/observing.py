"""Observations of a world, as the clock would put them on the queue, and the tables that they come to."""

import json
from datetime import datetime, timedelta
from typing import Any

from psycopg.rows import dict_row

from tests.meaning.tables import Connection, Row
from tests.vendor_api.world import (
    SessionHeld,
    World,
    participant_answer,
    recording_answer,
    session_answer,
)
from workers.queue.delivery import Provider, new_delivery_id
from workers.queue.observation import Answers, Lookup, Observation, ObservedKind

# What the API can tell as well as events can.
TOLD = {
    "sessions": "SELECT id, meeting_id, organization_id, title, status, started_at, ended_at FROM rollcall.sessions",
    "participants": """
        SELECT session_id, peer_id, custom_participant_id, display_name, joined_at, left_at FROM rollcall.participants
        """,
    "attendance": "SELECT * FROM rollcall.attendance",
    "session_summary": "SELECT * FROM rollcall.session_summary",
    "recordings": """
        SELECT id, session_id, meeting_id, status, started_at, stopped_at, duration_seconds, file_size, file_name,
            split_part(download_url, '?', 1) AS download_url, split_part(audio_download_url, '?', 1) AS audio,
            download_url_expires_at, stop_reason
        FROM rollcall.recordings
        """,
}
# Every column of the tables but those of the queue and the clock.
EVERYTHING = {
    "sessions": "SELECT * FROM rollcall.sessions",
    "participants": "SELECT * FROM rollcall.participants",
    "participant_events": "SELECT * FROM rollcall.participant_events",
    "recordings": "SELECT * FROM rollcall.recordings",
    "meetings": "SELECT * FROM rollcall.meetings",
    "organizations": "SELECT * FROM rollcall.organizations",
    "timeline": "SELECT * FROM rollcall.timeline",
}


def observation(
    kind: ObservedKind, answer: dict[str, Any], session: SessionHeld, at: datetime, source: Provider = Provider.DYTE
) -> Observation:
    """Return an observation of an answer, made at a time."""
    body = json.dumps(answer).encode()
    return Observation(new_delivery_id(at), at, source, kind, answer["id"], session.id, session.organization_id, body)


def answers_about(session: SessionHeld, at: datetime) -> Answers:
    """Return everything that the API says about a session that is over, asked for at a time."""
    observations = [
        observation(ObservedKind.SESSION, session_answer(session), session, at),
        *(observation(ObservedKind.PARTICIPANT, participant_answer(one), session, at) for one in session.connections),
        *(
            observation(ObservedKind.RECORDING, recording_answer(session, one), session, at)
            for one in session.recordings
        ),
    ]
    lookup = Lookup(session.id, at, is_found=True, is_ended=True, participants=len(session.connections))
    return Answers(observations, [lookup])


def all_answers(world: World, at: datetime) -> list[Answers]:
    """Return everything that the API says about a world, one session after the other."""
    return [answers_about(one, at + timedelta(seconds=place)) for place, one in enumerate(world.sessions)]


def state(connection: Connection, queries: dict[str, str]) -> dict[str, list[Row]]:
    """Return the rows of queries, each in one order."""
    connection.execute("SET timezone = 'UTC'")
    found = {}
    for name, query in queries.items():
        rows = connection.cursor(row_factory=dict_row).execute(query.encode()).fetchall()
        found[name] = sorted(rows, key=lambda row: json.dumps(row, default=str, sort_keys=True))
    return found
