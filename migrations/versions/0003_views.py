"""The views for analytics: what the tables mean in seconds, minutes and days.

Revision ID: 0003
Revises: 0002
"""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

SCHEMA = "rollcall"

# The one definition of how long something counts whose end is not known. Postgres inlines it.
COUNTED_UNTIL = """
CREATE FUNCTION rollcall.counted_until(last_event_at timestamptz) RETURNS timestamptz
LANGUAGE sql STABLE PARALLEL SAFE
-- An end that got lost must not bill for ever.
RETURN least(now(), last_event_at + interval '24 hours')
"""

# What the other views share, one row a connection. Not among the views that people are promised.
CONNECTIONS = """
CREATE VIEW rollcall.connections AS
SELECT
    session_id,
    peer_id,
    coalesce(custom_participant_id, peer_id) AS person,
    display_name,
    display_name_by,
    joined_at,
    left_at,
    joined_at AS present_from,
    -- A leave before the join leaves an empty stretch, not a negative one.
    greatest(
        joined_at,
        coalesce(
            left_at,
            -- Not a join: only the few that are still open have to look at their session.
            (SELECT rollcall.counted_until(s.last_event_at) FROM rollcall.sessions s WHERE s.id = p.session_id)
        )
    ) AS present_until
FROM rollcall.participants p
"""

# What the other views share, one row a recording. Not among the views that people are promised.
RECORDING_LENGTHS = """
CREATE VIEW rollcall.recording_lengths AS
SELECT
    id AS recording_id,
    session_id,
    greatest(
        coalesce(
            duration_seconds,
            -- Still running; at the latest it stops with its session.
            CASE WHEN stopped_at IS NULL AND status IN ('RECORDING', 'PAUSED') THEN (
                SELECT extract(epoch FROM coalesce(s.ended_at, rollcall.counted_until(s.last_event_at)) - r.started_at)
                FROM rollcall.sessions s WHERE s.id = r.session_id
            ) END
        ),
        0
    ) AS seconds
FROM rollcall.recordings r
"""

ATTENDANCE = """
CREATE VIEW rollcall.attendance AS
SELECT
    session_id,
    person,
    -- The name received last.
    (
        array_agg(display_name ORDER BY display_name_by DESC NULLS LAST, peer_id)
        FILTER (WHERE display_name IS NOT NULL)
    )[1] AS display_name,
    min(joined_at) AS first_joined_at,
    -- Null while one of the person's connections is open.
    CASE WHEN bool_and(left_at IS NOT NULL) THEN max(left_at) END AS last_left_at,
    count(*) AS connections,
    -- range_agg unites stretches that overlap: two devices at once count once.
    (
        SELECT coalesce(sum(extract(epoch FROM upper(stretch) - lower(stretch))), 0)
        FROM unnest(
            range_agg(tstzrange(present_from, present_until)) FILTER (WHERE present_from IS NOT NULL)
        ) AS stretch
    ) AS attended_seconds
FROM rollcall.connections
GROUP BY session_id, person
"""

CONCURRENCY = """
CREATE VIEW rollcall.concurrency AS
SELECT
    session_id,
    at,
    (sum(change) OVER (PARTITION BY session_id ORDER BY at))::bigint AS present
FROM (
    SELECT c.session_id, step.at, sum(step.change) AS change
    FROM rollcall.connections c
    CROSS JOIN LATERAL (VALUES (c.present_from, 1), (c.present_until, -1)) AS step (at, change)
    WHERE c.present_until > c.present_from
        -- Who is still there has not gone: no step down at now().
        AND (step.change = 1 OR c.left_at IS NOT NULL OR c.present_until < now())
    GROUP BY c.session_id, step.at
    -- One comes in the moment another goes: the number does not change.
    HAVING sum(step.change) <> 0
) AS steps
"""

# Looked up session by session (LATERAL), so that whatever chooses the sessions, an id, an organization or the last
# twenty, only their participants are read.
SESSION_SUMMARY = """
CREATE VIEW rollcall.session_summary AS
SELECT
    s.id AS session_id,
    s.meeting_id,
    s.organization_id,
    s.title,
    s.status,
    s.started_at,
    s.ended_at,
    -- greatest passes over nulls: 0 where the start is not known.
    extract(
        epoch FROM greatest(coalesce(s.ended_at, rollcall.counted_until(s.last_event_at)) - s.started_at, interval '0')
    ) AS duration_seconds,
    c.people,
    c.connections,
    (
        SELECT coalesce(max(present), 0) FROM rollcall.concurrency WHERE session_id = s.id
    ) AS peak_concurrency,
    c.participant_minutes,
    (
        SELECT coalesce(sum(seconds), 0) / 60 FROM rollcall.recording_lengths WHERE session_id = s.id
    ) AS recording_minutes
FROM rollcall.sessions s
CROSS JOIN LATERAL (
    SELECT
        count(DISTINCT person) AS people,
        count(*) AS connections,
        coalesce(extract(epoch FROM sum(present_until - present_from)), 0) / 60 AS participant_minutes
    FROM rollcall.connections
    WHERE session_id = s.id
) AS c
"""

# What happened in some sessions, added up. A function, not a join, because Postgres plans it for the few sessions that
# it is given: as a part of daily_usage it would be costed for a spinning disk (random_page_cost is 4 unless someone
# changed it), and that is where reading all participants of all times, with code compiled for it, looks cheaper.
USAGE_OF = """
CREATE FUNCTION rollcall.usage_of(
    session_ids text[],
    OUT participant_time interval,
    OUT recordings_count bigint,
    OUT recording_seconds numeric
)
LANGUAGE sql STABLE PARALLEL SAFE
BEGIN ATOMIC
    SELECT participants.time, recordings.number, recordings.seconds
    FROM (
        SELECT coalesce(sum(present_until - present_from), interval '0') AS time
        FROM rollcall.connections WHERE session_id = ANY (session_ids)
    ) AS participants
    CROSS JOIN (
        SELECT count(*) AS number, coalesce(sum(seconds), 0) AS seconds
        FROM rollcall.recording_lengths WHERE session_id = ANY (session_ids)
    ) AS recordings;
END
"""

# A session counts whole on the UTC day on which it started, so that it stands on one bill and the days add up to
# session_summary.
DAILY_USAGE = """
CREATE VIEW rollcall.daily_usage AS
SELECT
    days.organization_id,
    days.day,
    days.sessions_count,
    extract(epoch FROM days.session_time) / 60 AS session_minutes,
    extract(epoch FROM usage.participant_time) / 60 AS participant_minutes,
    usage.recordings_count,
    usage.recording_seconds / 60 AS recording_minutes
FROM (
    SELECT
        organization_id,
        (started_at AT TIME ZONE 'UTC')::date AS day,
        count(*) AS sessions_count,
        sum(
            greatest(coalesce(ended_at, rollcall.counted_until(last_event_at)) - started_at, interval '0')
        ) AS session_time,
        array_agg(id) AS session_ids
    FROM rollcall.sessions
    GROUP BY 1, 2
) AS days
CROSS JOIN LATERAL rollcall.usage_of(days.session_ids) AS usage
"""


def upgrade() -> None:
    # daily_usage is asked by day, and only an index on the day itself can answer that; it costs one entry a session.
    op.create_index(
        "sessions_of_day",
        "sessions",
        ["organization_id", sa.text("((started_at AT TIME ZONE 'UTC')::date)")],
        schema=SCHEMA,
    )
    for statement in (
        COUNTED_UNTIL,
        CONNECTIONS,
        RECORDING_LENGTHS,
        ATTENDANCE,
        CONCURRENCY,
        SESSION_SUMMARY,
        USAGE_OF,
        DAILY_USAGE,
    ):
        op.get_bind().exec_driver_sql(statement)


def downgrade() -> None:
    for view in ("daily_usage", "session_summary", "concurrency", "attendance"):
        op.execute(f"DROP VIEW {SCHEMA}.{view}")
    op.execute(f"DROP FUNCTION {SCHEMA}.usage_of")
    for view in ("recording_lengths", "connections"):
        op.execute(f"DROP VIEW {SCHEMA}.{view}")
    op.execute(f"DROP FUNCTION {SCHEMA}.counted_until")
    op.drop_index("sessions_of_day", table_name="sessions", schema=SCHEMA)
