"""The pace of calls to the vendor's API, how far each that asks it has come, and how much webhooks missed.

Revision ID: 0009
Revises: 0008
"""

from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

TABLES = (
    """
    CREATE TABLE rollcall.vendor_pace (
        account text NOT NULL,
        next_at timestamptz NOT NULL,
        paused_until timestamptz,
        CONSTRAINT vendor_pace_pkey PRIMARY KEY (account)
    ) WITH (fillfactor = 50)
    """,
    """
    CREATE TABLE rollcall.reconciliations (
        name text NOT NULL,
        holder uuid,
        held_until timestamptz,
        seen_at timestamptz NOT NULL,
        since timestamptz,
        until timestamptz,
        page bigint NOT NULL DEFAULT 1,
        done_at timestamptz,
        error text,
        CONSTRAINT reconciliations_pkey PRIMARY KEY (name)
    ) WITH (fillfactor = 50)
    """,
)


CAPTURE = """
-- How much of what happened came by webhooks: of sessions whose end the vendor's API was asked about. Of anything, it
-- counts as come by webhook what an event states the time of.
CREATE VIEW rollcall.capture AS
SELECT
    organization_id,
    day,
    sessions,
    sessions_by_webhook,
    starts_by_webhook,
    ends_by_webhook,
    joins,
    joins_by_webhook,
    leaves,
    leaves_by_webhook,
    recordings,
    recordings_by_webhook,
    (starts_by_webhook + ends_by_webhook + joins_by_webhook + leaves_by_webhook + recordings_by_webhook)::numeric
        / nullif(2 * sessions + joins + leaves + recordings, 0) AS completeness,
    minutes_corrected
FROM (
    SELECT
        s.organization_id,
        (s.started_at AT TIME ZONE 'UTC')::date AS day,
        count(*) AS sessions,
        count(*) FILTER (WHERE s.last_received_at IS NOT NULL) AS sessions_by_webhook,
        count(*) FILTER (WHERE s.started_source = 'event') AS starts_by_webhook,
        count(*) FILTER (WHERE s.ended_source = 'event') AS ends_by_webhook,
        sum(p.joins)::bigint AS joins,
        sum(p.joins_by_webhook)::bigint AS joins_by_webhook,
        sum(p.leaves)::bigint AS leaves,
        sum(p.leaves_by_webhook)::bigint AS leaves_by_webhook,
        sum(r.recordings)::bigint AS recordings,
        sum(r.recordings_by_webhook)::bigint AS recordings_by_webhook,
        sum(p.seconds_corrected) / 60 AS minutes_corrected
    FROM rollcall.sessions s
    JOIN rollcall.lookups l ON l.session_id = s.id AND l.is_complete AND l.is_ended
    CROSS JOIN LATERAL (
        SELECT
            count(c.joined_at) AS joins,
            count(*) FILTER (WHERE c.joined_source = 'event') AS joins_by_webhook,
            count(c.left_at) AS leaves,
            count(*) FILTER (WHERE c.left_source = 'event') AS leaves_by_webhook,
            coalesce(sum(abs(extract(epoch FROM
                greatest(c.left_at - c.joined_at, interval '0')
                - coalesce(greatest(w.left_at - w.joined_at, interval '0'), interval '0')
            ))), 0) AS seconds_corrected
        FROM rollcall.participants c
        -- The same without the API: as the rules have it for events alone.
        CROSS JOIN LATERAL (
            SELECT
                coalesce(c.stated_joined_at, c.noticed_joined_at) AS joined_at,
                coalesce(
                    CASE WHEN c.last_joined_at > c.last_left_at THEN NULL ELSE c.last_left_at END,
                    s.stated_ended_at,
                    s.noticed_ended_at,
                    rollcall.counted_until(s.last_received_at)
                ) AS left_at
        ) AS w
        WHERE c.session_id = s.id
    ) AS p
    CROSS JOIN LATERAL (
        SELECT
            count(*) AS recordings,
            count(*) FILTER (WHERE EXISTS (
                SELECT FROM rollcall.deliveries d WHERE d.subject_id = recording.id AND d.status = 'processed'
            )) AS recordings_by_webhook
        FROM rollcall.recordings recording WHERE recording.session_id = s.id
    ) AS r
    GROUP BY 1, 2
) AS counted
"""

SESSION_DRIFT = """
-- What the tables come to beside what the vendor counts itself, for sessions that it was asked about after their end.
CREATE VIEW rollcall.session_drift AS
SELECT
    s.id AS session_id,
    u.participant_minutes,
    s.api_minutes,
    u.participant_minutes - s.api_minutes AS minutes_drift,
    u.peak_concurrency,
    s.api_peak,
    u.connections,
    l.participants AS api_connections,
    CASE
        WHEN l.session_id IS NULL OR NOT l.is_complete OR NOT l.is_ended OR s.api_minutes IS NULL THEN 'not compared'
        -- The vendor rounds each connection to the ten-thousandth of a minute.
        WHEN abs(u.participant_minutes - s.api_minutes) <= 0.0001 * greatest(u.connections, 1) THEN 'equal'
        WHEN abs(u.participant_minutes - s.api_minutes) <= 1 THEN 'within a minute'
        ELSE 'differs'
    END AS verdict
FROM rollcall.sessions s
LEFT JOIN rollcall.lookups l ON l.session_id = s.id
CROSS JOIN LATERAL (
    SELECT participant_minutes, peak_concurrency, connections FROM rollcall.session_summary WHERE session_id = s.id
) AS u
"""


def upgrade() -> None:
    for statement in (*TABLES, CAPTURE, SESSION_DRIFT):
        op.execute(statement)


def downgrade() -> None:
    op.execute("DROP VIEW rollcall.session_drift")
    op.execute("DROP VIEW rollcall.capture")
    op.execute("DROP TABLE rollcall.reconciliations")
    op.execute("DROP TABLE rollcall.vendor_pace")
