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

# The one place that says how long something counts that has not ended as far as is known. Postgres inlines it.
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
    p.session_id,
    s.organization_id,
    (s.started_at AT TIME ZONE 'UTC')::date AS day,
    p.peer_id,
    coalesce(p.custom_participant_id, p.peer_id) AS person,
    p.display_name,
    p.display_name_by,
    p.joined_at,
    p.left_at,
    p.joined_at AS present_from,
    -- A leave before the join leaves an empty stretch, not a negative one.
    greatest(p.joined_at, coalesce(p.left_at, rollcall.counted_until(s.last_event_at))) AS present_until
FROM rollcall.participants p
JOIN rollcall.sessions s ON s.id = p.session_id
"""

# What the other views share, one row a recording. Not among the views that people are promised.
RECORDING_LENGTHS = """
CREATE VIEW rollcall.recording_lengths AS
SELECT
    r.id AS recording_id,
    r.session_id,
    s.organization_id,
    (s.started_at AT TIME ZONE 'UTC')::date AS day,
    greatest(
        coalesce(
            r.duration_seconds,
            -- Still running; at the latest it stops with its session.
            CASE WHEN r.stopped_at IS NULL AND r.status IN ('RECORDING', 'PAUSED') THEN
                extract(epoch FROM coalesce(s.ended_at, rollcall.counted_until(s.last_event_at)) - r.started_at)
            END
        ),
        0
    ) AS seconds
FROM rollcall.recordings r
JOIN rollcall.sessions s ON s.id = r.session_id
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

# A session counts whole on the UTC day on which it started, so that it stands on one bill and the days add up to
# session_summary. UNION ALL of flat joins: each part takes the organization and the days straight to its index.
DAILY_USAGE = """
CREATE VIEW rollcall.daily_usage AS
SELECT
    organization_id,
    day,
    sum(sessions)::bigint AS sessions_count,
    extract(epoch FROM sum(session_time)) / 60 AS session_minutes,
    extract(epoch FROM sum(participant_time)) / 60 AS participant_minutes,
    sum(recordings)::bigint AS recordings_count,
    sum(recording_seconds) / 60 AS recording_minutes
FROM (
    SELECT
        organization_id,
        (started_at AT TIME ZONE 'UTC')::date AS day,
        1 AS sessions,
        greatest(coalesce(ended_at, rollcall.counted_until(last_event_at)) - started_at, interval '0') AS session_time,
        interval '0' AS participant_time,
        0 AS recordings,
        0::numeric AS recording_seconds
    FROM rollcall.sessions
    UNION ALL
    SELECT organization_id, day, 0, interval '0', present_until - present_from, 0, 0
    FROM rollcall.connections
    UNION ALL
    SELECT organization_id, day, 0, interval '0', interval '0', 1, seconds
    FROM rollcall.recording_lengths
) AS parts
GROUP BY organization_id, day
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
        DAILY_USAGE,
    ):
        op.get_bind().exec_driver_sql(statement)


def downgrade() -> None:
    for view in ("daily_usage", "session_summary", "concurrency", "attendance", "recording_lengths", "connections"):
        op.execute(f"DROP VIEW {SCHEMA}.{view}")
    op.execute(f"DROP FUNCTION {SCHEMA}.counted_until")
    op.drop_index("sessions_of_day", table_name="sessions", schema=SCHEMA)
