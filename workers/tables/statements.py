"""The statements that write a batch's rows, one per table. Readable as SQL in `tests/workers/tables/statements.sql`.

Each takes its rows as one array per column, in the order of the rows' fields, with rows ordered by key, so that all
workers lock them in the same order.

The locks of `locks` are held meanwhile, so two workers that write one session take turns. Meetings and organizations,
which many sessions share, are written last, in this order, to lock their rows as briefly as possible.
"""

from typing import LiteralString

from workers.rules.artifacts import ARTIFACTS as ARTIFACT_COLUMNS
from workers.rules.livestream import LivestreamRow
from workers.rules.names import MEETINGS as MEETING_COLUMNS
from workers.rules.names import ORGANIZATIONS as ORGANIZATION_COLUMNS
from workers.rules.presence import OBSERVED_PARTICIPANTS as OBSERVED_PARTICIPANT_COLUMNS
from workers.rules.presence import PARTICIPANTS as PARTICIPANT_COLUMNS
from workers.rules.presence import ParticipantEventRow
from workers.rules.recording import RecordingRow
from workers.rules.sessions import OBSERVED_SESSIONS as OBSERVED_SESSION_COLUMNS
from workers.rules.sessions import SESSIONS as SESSION_COLUMNS
from workers.rules.timeline import Entry
from workers.rules.times import Source
from workers.tables.upserts import merged, received_first, replaced


# Participants who have not left when the session's end, or a later end, becomes known left with the session. Their rows
# need no lock order: only the holder of the session's lock writes them.
def _and_those_in_them(sessions: str) -> LiteralString:
    statement = f"""WITH written AS (
{sessions}
RETURNING id, ended_at)
UPDATE rollcall.participants AS participant
SET left_at = written.ended_at, left_source = '{Source.SESSION_END}'
FROM written LEFT JOIN rollcall.sessions AS former ON former.id = written.id
WHERE written.ended_at IS NOT NULL AND written.ended_at IS DISTINCT FROM former.ended_at
    AND participant.session_id = written.id
    AND (participant.left_source IS NULL OR participant.left_source = '{Source.SESSION_END}')"""  # noqa: S608 - our own
    # Without its indentation it is short enough for psycopg to remember it.
    return "\n".join(line.lstrip() for line in statement.splitlines())


SESSIONS = _and_those_in_them(merged("sessions", SESSION_COLUMNS, beside=OBSERVED_SESSION_COLUMNS))
OBSERVED_SESSIONS = _and_those_in_them(merged("sessions", OBSERVED_SESSION_COLUMNS, beside=SESSION_COLUMNS))
PARTICIPANTS = merged("participants", PARTICIPANT_COLUMNS, beside=OBSERVED_PARTICIPANT_COLUMNS)
OBSERVED_PARTICIPANTS = merged("participants", OBSERVED_PARTICIPANT_COLUMNS, beside=PARTICIPANT_COLUMNS)
PARTICIPANT_EVENTS = received_first(
    "participant_events", ParticipantEventRow, ("session_id", "peer_id", "kind", "occurred_at")
)
TIMELINE = received_first(
    "timeline", Entry, ("session_id", "kind", "subject_id", "occurred_at"), more={"id": "delivery_id"}
)
ARTIFACTS = merged("artifacts", ARTIFACT_COLUMNS)
RECORDINGS = replaced("recordings", RecordingRow, ("id",))
LIVESTREAMS = replaced("livestreams", LivestreamRow, ("stream_id",))
MEETINGS = merged("meetings", MEETING_COLUMNS)
ORGANIZATIONS = merged("organizations", ORGANIZATION_COLUMNS)

# An entry of the vendor's API stands only while no event reports that kind for that subject. LATERAL looks the entries
# up one by one, so that the planner never prefers to read all of the API's.
TIMELINE_OVER_OBSERVED = f"""
DELETE FROM rollcall.timeline WHERE id IN (
    SELECT entry.id FROM unnest(%b::text[], %b::text[], %b::text[]) AS event (session_id, kind, subject_id), LATERAL (
        SELECT api.id FROM rollcall.timeline AS api
        WHERE api.source = '{Source.API}' AND api.subject_id = event.subject_id AND api.kind = event.kind
            AND api.session_id = event.session_id
        OFFSET 0) AS entry)
"""  # noqa: S608 - our own
TIMELINE_OBSERVED_WITHDRAWN = f"""
DELETE FROM rollcall.timeline AS entry
WHERE entry.source = '{Source.API}' AND entry.subject_id = ANY(%b::text[]) AND entry.kind = ANY(%b::text[])
"""  # noqa: S608 - our own
TIMELINE_OBSERVED = f"""
WITH reported AS MATERIALIZED (
    SELECT DISTINCT session_id, kind, subject_id FROM rollcall.timeline
    WHERE session_id = ANY(%b::text[]) AND source = '{Source.EVENT}')
INSERT INTO rollcall.timeline (id, session_id, kind, subject_id, occurred_at, detail, source, observation_id)
SELECT new.id, new.session_id, new.kind, new.subject_id, new.occurred_at, new.detail, '{Source.API}', new.observation_id
FROM unnest(
    %b::uuid[], %b::text[], %b::text[], %b::text[], %b::timestamptz[], %b::text[]::jsonb[], %b::uuid[]) AS new (
    id, session_id, kind, subject_id, occurred_at, detail, observation_id)
WHERE NOT EXISTS (
    SELECT FROM reported
    WHERE reported.session_id = new.session_id AND reported.kind = new.kind AND reported.subject_id = new.subject_id)
ON CONFLICT (id) DO UPDATE SET
    occurred_at = excluded.occurred_at, detail = excluded.detail, observation_id = excluded.observation_id
"""  # noqa: S608 - our own

# Two statements, because no index supports "equal, or both null".
TIMELINE_WITHDRAWN = """
DELETE FROM rollcall.timeline AS entry
USING unnest(%b::text[], %b::text[], %b::text[], %b::timestamptz[]) AS gone (session_id, kind, subject_id, occurred_at)
WHERE entry.session_id = gone.session_id AND entry.kind = gone.kind
    AND entry.subject_id = gone.subject_id AND entry.occurred_at = gone.occurred_at
"""
TIMELINE_WITHDRAWN_WITHOUT_SESSION = """
DELETE FROM rollcall.timeline AS entry
USING unnest(%b::text[], %b::text[], %b::timestamptz[]) AS gone (kind, subject_id, occurred_at)
WHERE entry.session_id IS NULL AND entry.kind = gone.kind
    AND entry.subject_id = gone.subject_id AND entry.occurred_at = gone.occurred_at
"""
