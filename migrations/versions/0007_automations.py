"""Outgoing webhooks: endpoints, messages for them, and each try; what is to be told and what was; who is expected.

Revision ID: 0007
Revises: 0006
"""

from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

TABLES = (
    """
    CREATE TABLE rollcall.marks (
        id bigint GENERATED ALWAYS AS IDENTITY,
        kind text NOT NULL,
        subject text NOT NULL,
        marked_at timestamptz NOT NULL DEFAULT clock_timestamp(),
        CONSTRAINT marks_pkey PRIMARY KEY (id),
        CONSTRAINT marks_kind_check CHECK (kind IN ('session', 'livestream', 'delivery'))
    )
    """,
    "CREATE INDEX marks_of_subject ON rollcall.marks (kind, subject)",
    """
    CREATE TABLE rollcall.tellings (
        kind text NOT NULL,
        subject text NOT NULL,
        looked_at timestamptz NOT NULL,
        changed_at timestamptz NOT NULL,
        due_at timestamptz,
        told_deliveries uuid[] NOT NULL DEFAULT '{}',
        told_messages uuid[] NOT NULL DEFAULT '{}',
        withdrawn uuid[] NOT NULL DEFAULT '{}',
        revision bigint NOT NULL DEFAULT 0,
        settled_at timestamptz,
        digest bytea,
        leaves bytea,
        CONSTRAINT tellings_pkey PRIMARY KEY (kind, subject),
        CONSTRAINT tellings_kind_check CHECK (kind IN ('session', 'livestream', 'delivery'))
    ) WITH (fillfactor = 70)
    """,
    "CREATE INDEX tellings_due ON rollcall.tellings (due_at) WHERE due_at IS NOT NULL",
    """
    CREATE TABLE rollcall.messages (
        id text NOT NULL,
        position bigint GENERATED ALWAYS AS IDENTITY,
        type text NOT NULL,
        occurred_at timestamptz NOT NULL,
        created_at timestamptz NOT NULL DEFAULT now(),
        session_id text,
        meeting_id text,
        organization_id text,
        body jsonb NOT NULL,
        CONSTRAINT messages_pkey PRIMARY KEY (id)
    )
    """,
    "CREATE INDEX messages_of_session ON rollcall.messages (session_id)",
    "CREATE INDEX messages_by_time ON rollcall.messages (occurred_at)",
    "CREATE UNIQUE INDEX messages_in_order ON rollcall.messages (position)",
    """
    CREATE TABLE rollcall.endpoints (
        id text NOT NULL,
        name text NOT NULL,
        url text NOT NULL,
        types text[] NOT NULL DEFAULT '{*}',
        organization_ids text[],
        meeting_ids text[],
        status text NOT NULL DEFAULT 'enabled',
        disabled_reason text,
        created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
        order_by text NOT NULL DEFAULT 'none',
        max_in_flight bigint NOT NULL DEFAULT 10,
        rate numeric,
        body text NOT NULL DEFAULT 'full',
        schedule double precision[],
        CONSTRAINT endpoints_pkey PRIMARY KEY (id),
        CONSTRAINT endpoints_status_check CHECK (status IN ('enabled', 'disabled')),
        CONSTRAINT endpoints_order_by_check CHECK (order_by IN ('none', 'session')),
        CONSTRAINT endpoints_body_check CHECK (body IN ('full', 'thin'))
    )
    """,
    "CREATE UNIQUE INDEX endpoints_url ON rollcall.endpoints (url)",
    """
    CREATE TABLE rollcall.endpoint_states (
        endpoint_id text NOT NULL,
        failing_since timestamptz,
        last_failed_at timestamptz,
        last_delivered_at timestamptz,
        warned bigint NOT NULL DEFAULT 0,
        slowed_until timestamptz,
        served_by uuid,
        served_until timestamptz,
        CONSTRAINT endpoint_states_pkey PRIMARY KEY (endpoint_id)
    ) WITH (fillfactor = 50)
    """,
    """
    CREATE TABLE rollcall.endpoint_secrets (
        id uuid NOT NULL,
        endpoint_id text NOT NULL,
        secret text NOT NULL,
        created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
        expires_at timestamptz,
        CONSTRAINT endpoint_secrets_pkey PRIMARY KEY (id)
    )
    """,
    "CREATE INDEX endpoint_secrets_of_endpoint ON rollcall.endpoint_secrets (endpoint_id)",
    """
    CREATE TABLE rollcall.message_deliveries (
        message_id text NOT NULL,
        endpoint_id text NOT NULL,
        position bigint NOT NULL,
        session_id text,
        status text NOT NULL,
        reason text,
        attempts bigint NOT NULL DEFAULT 0,
        next_attempt_at timestamptz,
        delivered_at timestamptz,
        changed_at timestamptz NOT NULL DEFAULT now(),
        CONSTRAINT message_deliveries_pkey PRIMARY KEY (message_id, endpoint_id),
        CONSTRAINT message_deliveries_status_check CHECK (status IN ('pending', 'delivered', 'held', 'given_up'))
    ) WITH (fillfactor = 70)
    """,
    """
    CREATE INDEX message_deliveries_due ON rollcall.message_deliveries (endpoint_id, next_attempt_at, position)
    WHERE status = 'pending'
    """,
    """
    CREATE INDEX message_deliveries_in_session ON rollcall.message_deliveries (endpoint_id, session_id, position)
    WHERE status = 'pending'
    """,
    """
    CREATE INDEX message_deliveries_set_aside ON rollcall.message_deliveries (endpoint_id, position)
    WHERE status IN ('held', 'given_up')
    """,
    """
    CREATE TABLE rollcall.attempts (
        message_id text NOT NULL,
        endpoint_id text NOT NULL,
        number bigint NOT NULL,
        at timestamptz NOT NULL,
        duration_ms bigint NOT NULL,
        status bigint,
        error text,
        answer text,
        CONSTRAINT attempts_pkey PRIMARY KEY (message_id, endpoint_id, number)
    )
    """,
    """
    CREATE TABLE rollcall.roster (
        meeting_id text NOT NULL,
        person text NOT NULL,
        starts_at timestamptz NOT NULL,
        ends_at timestamptz NOT NULL,
        display_name text,
        minimum_share numeric,
        CONSTRAINT roster_pkey PRIMARY KEY (meeting_id, person, starts_at),
        CONSTRAINT roster_ends_at_check CHECK (ends_at > starts_at),
        CONSTRAINT roster_minimum_share_check CHECK (minimum_share >= 0 AND minimum_share <= 1)
    )
    """,
    "CREATE INDEX roster_by_end ON rollcall.roster (ends_at)",
    """
    CREATE TABLE rollcall.roster_verdicts (
        meeting_id text NOT NULL,
        person text NOT NULL,
        starts_at timestamptz NOT NULL,
        verdict text NOT NULL,
        revision bigint NOT NULL DEFAULT 0,
        decided_at timestamptz NOT NULL DEFAULT now(),
        CONSTRAINT roster_verdicts_pkey PRIMARY KEY (meeting_id, person, starts_at)
    )
    """,
)

# Who is expected, and how much of it they were there: over all sessions of the meeting that overlap their time.
ROSTER_ATTENDANCE = """
CREATE VIEW rollcall.roster_attendance AS
SELECT
    r.meeting_id,
    r.person,
    r.starts_at,
    r.ends_at,
    r.display_name,
    r.minimum_share,
    held.sessions,
    attended.seconds AS attended_seconds,
    CASE WHEN held.seconds > 0 THEN least(1, attended.seconds / held.seconds) END AS share,
    CASE
        WHEN now() < r.ends_at OR held.goes_on THEN 'open'
        -- A session may still begin late.
        WHEN held.sessions = 0 AND now() < r.ends_at + interval '30 minutes' THEN 'open'
        WHEN attended.seconds = 0 THEN 'no_show'
        WHEN attended.seconds / nullif(held.seconds, 0) < r.minimum_share THEN 'below_threshold'
        ELSE 'attended'
    END AS verdict
FROM rollcall.roster r
CROSS JOIN LATERAL (
    SELECT
        count(*) AS sessions,
        coalesce(bool_or(s.status = 'live' AND now() < s.last_event_at + interval '24 hours'), false) AS goes_on,
        (
            SELECT coalesce(sum(extract(epoch FROM upper(stretch) - lower(stretch))), 0)
            FROM unnest(
                range_agg(
                    tstzrange(
                        s.started_at,
                        greatest(s.started_at, coalesce(s.ended_at, rollcall.counted_until(s.last_event_at)))
                    )
                ) * tstzmultirange(tstzrange(r.starts_at, r.ends_at))
            ) AS stretch
        ) AS seconds
    FROM rollcall.sessions s
    WHERE s.meeting_id = r.meeting_id
        AND s.started_at < r.ends_at
        AND coalesce(s.ended_at, rollcall.counted_until(s.last_event_at)) > r.starts_at
) AS held
CROSS JOIN LATERAL (
    SELECT (
        SELECT coalesce(sum(extract(epoch FROM upper(stretch) - lower(stretch))), 0)
        FROM unnest(
            range_agg(tstzrange(c.present_from, c.present_until)) FILTER (WHERE c.present_from IS NOT NULL)
            * tstzmultirange(tstzrange(r.starts_at, r.ends_at))
        ) AS stretch
    ) AS seconds
    FROM rollcall.sessions s
    JOIN rollcall.connections c ON c.session_id = s.id AND c.person = r.person
    WHERE s.meeting_id = r.meeting_id
        AND s.started_at < r.ends_at
        AND coalesce(s.ended_at, rollcall.counted_until(s.last_event_at)) > r.starts_at
) AS attended
"""

NAMES = (
    "roster_verdicts",
    "roster",
    "attempts",
    "message_deliveries",
    "endpoint_secrets",
    "endpoint_states",
    "endpoints",
    "messages",
    "tellings",
    "marks",
)


def upgrade() -> None:
    for statement in TABLES:
        op.execute(statement)
    op.execute(ROSTER_ATTENDANCE)


def downgrade() -> None:
    op.execute("DROP VIEW rollcall.roster_attendance")
    for name in NAMES:
        op.execute(f"DROP TABLE rollcall.{name}")
