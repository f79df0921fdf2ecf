"""The statements that write a batch's rows, one per table. Readable as SQL in `tests/workers/tables/statements.sql`.

Each takes its rows as one array per column, in the order of the rows' fields, with rows ordered by key, so that all
workers lock them in the same order.

The locks of `locks` are held meanwhile, so two workers that write one session take turns. Meetings and organizations,
which many sessions share, are written last, in this order, to lock their rows as briefly as possible.
"""

from workers.rules.artifacts import ARTIFACTS as ARTIFACT_COLUMNS
from workers.rules.livestream import LivestreamRow
from workers.rules.names import MEETINGS as MEETING_COLUMNS
from workers.rules.names import ORGANIZATIONS as ORGANIZATION_COLUMNS
from workers.rules.presence import PARTICIPANTS as PARTICIPANT_COLUMNS
from workers.rules.presence import ParticipantEventRow
from workers.rules.recording import RecordingRow
from workers.rules.sessions import SESSIONS as SESSION_COLUMNS
from workers.rules.timeline import Entry
from workers.rules.times import Source
from workers.tables.upserts import merged, received_first, replaced

# Participants who have not left when the session's end, or a later end, becomes known left with the session. Their rows
# need no lock order: only the holder of the session's lock writes them.
SESSIONS = f"""WITH written AS (
{merged("sessions", SESSION_COLUMNS)}
RETURNING id, ended_at)
UPDATE rollcall.participants AS participant
SET left_at = written.ended_at, left_source = '{Source.SESSION_END}'
FROM written LEFT JOIN rollcall.sessions AS former ON former.id = written.id
WHERE written.ended_at IS NOT NULL AND written.ended_at IS DISTINCT FROM former.ended_at
    AND participant.session_id = written.id
    AND (participant.left_source IS NULL OR participant.left_source = '{Source.SESSION_END}')"""  # noqa: S608 - our own
PARTICIPANTS = merged("participants", PARTICIPANT_COLUMNS)
PARTICIPANT_EVENTS = received_first(
    "participant_events", ParticipantEventRow, ("session_id", "peer_id", "kind", "occurred_at")
)
TIMELINE = received_first("timeline", Entry, ("session_id", "kind", "subject_id", "occurred_at"))
ARTIFACTS = merged("artifacts", ARTIFACT_COLUMNS)
RECORDINGS = replaced("recordings", RecordingRow, ("id",))
LIVESTREAMS = replaced("livestreams", LivestreamRow, ("stream_id",))
MEETINGS = merged("meetings", MEETING_COLUMNS)
ORGANIZATIONS = merged("organizations", ORGANIZATION_COLUMNS)

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
