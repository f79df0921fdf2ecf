"""What the vendor's API says: observations, and what they state beside events.

Revision ID: 0008
Revises: 0007
"""

from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

# Writers wait from here to the end, readers only at the last moment. Everything that other migrations lock in the same
# transaction is locked now, in the order in which a worker's transaction uses the tables; locked one by one, migration
# and worker could deadlock.
HOLD_WRITERS = """
LOCK TABLE rollcall.deliveries, rollcall.sessions, rollcall.participants, rollcall.timeline, rollcall.recordings,
    rollcall.meetings
IN SHARE ROW EXCLUSIVE MODE
"""
# Workers of deliveries read them after those above.
HOLD_OBSERVERS = "LOCK TABLE rollcall.observations, rollcall.lookups IN ACCESS EXCLUSIVE MODE"

TABLES = (
    """
    CREATE TABLE rollcall.observations (
        id uuid NOT NULL,
        source text NOT NULL,
        kind text NOT NULL,
        subject_id text NOT NULL,
        session_id text,
        organization_id text,
        meeting_id text,
        observed_at timestamptz NOT NULL,
        confirmed_at timestamptz NOT NULL,
        body_sha256 bytea NOT NULL,
        error text,
        payload jsonb,
        raw bytea,
        CONSTRAINT observations_pkey PRIMARY KEY (id),
        CONSTRAINT observations_source_check CHECK (source IN ('dyte', 'realtimekit')),
        CONSTRAINT observations_kind_check CHECK (kind IN ('session', 'participant', 'recording'))
    ) WITH (fillfactor = 90)
    """,
    "CREATE INDEX observations_of_subject ON rollcall.observations (kind, subject_id, id)",
    "CREATE INDEX observations_of_session ON rollcall.observations (session_id) WHERE session_id IS NOT NULL",
    "ALTER TABLE rollcall.observations ALTER COLUMN payload SET STATISTICS 0, ALTER COLUMN raw SET STATISTICS 0",
    """
    CREATE TABLE rollcall.lookups (
        session_id text NOT NULL,
        asked_at timestamptz NOT NULL,
        is_found boolean NOT NULL,
        is_ended boolean NOT NULL,
        participants bigint NOT NULL,
        is_complete boolean NOT NULL,
        CONSTRAINT lookups_pkey PRIMARY KEY (session_id)
    ) WITH (fillfactor = 80)
    """,
)

COLUMNS = (
    """
    ALTER TABLE rollcall.sessions
        ADD COLUMN started_source text,
        ADD COLUMN ended_source text,
        ADD COLUMN api_minutes numeric,
        ADD COLUMN api_peak bigint,
        ADD COLUMN observed_by uuid,
        ADD COLUMN api_started_at timestamptz,
        ADD COLUMN api_ended_at timestamptz,
        ADD COLUMN last_received_at timestamptz,
        ADD COLUMN live_at timestamptz,
        ADD COLUMN first_observed_at timestamptz
    """,
    """
    ALTER TABLE rollcall.participants
        ADD COLUMN user_id text,
        ADD COLUMN joined_source text,
        ADD COLUMN spans_connections boolean NOT NULL DEFAULT false,
        ADD COLUMN observed_by uuid,
        ADD COLUMN api_joined_at timestamptz,
        ADD COLUMN api_left_at timestamptz
    """,
    """
    ALTER TABLE rollcall.timeline
        ADD COLUMN id uuid,
        ADD COLUMN source text NOT NULL DEFAULT 'event',
        ADD COLUMN observation_id uuid
    """,
)

# Until now each time was an event's, or when one was received.
FILL = (
    """
    UPDATE rollcall.sessions SET
        last_received_at = last_event_at,
        started_source = CASE
            WHEN stated_started_at IS NOT NULL THEN 'event' WHEN noticed_started_at IS NOT NULL THEN 'received' END,
        ended_source = CASE
            WHEN stated_ended_at IS NOT NULL THEN 'event' WHEN noticed_ended_at IS NOT NULL THEN 'received' END
    """,
    """
    UPDATE rollcall.participants SET joined_source = CASE
        WHEN stated_joined_at IS NOT NULL THEN 'event' WHEN noticed_joined_at IS NOT NULL THEN 'received' END
    WHERE joined_at IS NOT NULL
    """,
    "UPDATE rollcall.timeline SET id = delivery_id",
)

SOURCES = {"started_source": "sessions", "ended_source": "sessions", "joined_source": "participants"}
VALUES = "IN ('event', 'api', 'received', 'session_end')"

CONSTRAINTS = (
    *(
        f"ALTER TABLE rollcall.{table} ADD CONSTRAINT {table}_{column}_check CHECK ({column} {VALUES}) NOT VALID"
        for column, table in SOURCES.items()
    ),
    "ALTER TABLE rollcall.participants DROP CONSTRAINT participants_left_source_check",
    f"ALTER TABLE rollcall.participants ADD CONSTRAINT participants_left_source_check CHECK (left_source {VALUES})",
    "ALTER TABLE rollcall.timeline ADD CONSTRAINT timeline_source_check CHECK (source IN ('event', 'api')) NOT VALID",
    "ALTER TABLE rollcall.timeline ADD CONSTRAINT timeline_id_there CHECK (id IS NOT NULL) NOT VALID",
    *(f"ALTER TABLE rollcall.{table} VALIDATE CONSTRAINT {table}_{column}_check" for column, table in SOURCES.items()),
    "ALTER TABLE rollcall.timeline VALIDATE CONSTRAINT timeline_source_check",
    "ALTER TABLE rollcall.timeline VALIDATE CONSTRAINT timeline_id_there",
)

# A published table needs a key without nulls, and an entry of the API has no delivery. A valid check saves the second
# look at all rows.
KEY = (
    "CREATE UNIQUE INDEX timeline_id ON rollcall.timeline (id)",
    "ALTER TABLE rollcall.timeline ALTER COLUMN id SET NOT NULL",
    "ALTER TABLE rollcall.timeline DROP CONSTRAINT timeline_id_there",
    "ALTER TABLE rollcall.timeline DROP CONSTRAINT timeline_pkey",
    "ALTER TABLE rollcall.timeline ADD CONSTRAINT timeline_pkey PRIMARY KEY USING INDEX timeline_id",
    "ALTER TABLE rollcall.timeline ALTER COLUMN delivery_id DROP NOT NULL",
    "CREATE INDEX timeline_of_api ON rollcall.timeline (subject_id, kind) WHERE source = 'api'",
)

# Workers of the version before know none of these columns. While they run beside the new ones, the database decides
# for them; what it costs the new ones is a comparison.
OLD_WORKERS = (
    """
    CREATE FUNCTION rollcall.session_of_old_worker() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        NEW.last_received_at := greatest(NEW.last_received_at, NEW.last_event_at);
        NEW.last_event_at := coalesce(
            greatest(NEW.last_received_at, NEW.live_at), NEW.api_ended_at, NEW.first_observed_at);
        NEW.started_at := coalesce(NEW.stated_started_at, NEW.api_started_at, NEW.noticed_started_at);
        NEW.started_source := CASE
            WHEN NEW.stated_started_at IS NOT NULL THEN 'event' WHEN NEW.api_started_at IS NOT NULL THEN 'api'
            WHEN NEW.noticed_started_at IS NOT NULL THEN 'received' END;
        NEW.ended_at := coalesce(NEW.stated_ended_at, NEW.api_ended_at, NEW.noticed_ended_at);
        NEW.ended_source := CASE
            WHEN NEW.stated_ended_at IS NOT NULL THEN 'event' WHEN NEW.api_ended_at IS NOT NULL THEN 'api'
            WHEN NEW.noticed_ended_at IS NOT NULL THEN 'received' END;
        NEW.status := CASE WHEN NEW.ended_at IS NULL THEN 'live' ELSE 'ended' END;
        RETURN NEW;
    END $$
    """,
    """
    CREATE TRIGGER session_of_old_worker BEFORE INSERT OR UPDATE ON rollcall.sessions FOR EACH ROW
    WHEN (NEW.last_event_at IS DISTINCT FROM coalesce(
            greatest(NEW.last_received_at, NEW.live_at), NEW.api_ended_at, NEW.first_observed_at)
        OR NEW.started_at IS DISTINCT FROM
            coalesce(NEW.stated_started_at, NEW.api_started_at, NEW.noticed_started_at)
        OR NEW.ended_at IS DISTINCT FROM coalesce(NEW.stated_ended_at, NEW.api_ended_at, NEW.noticed_ended_at)
        OR NEW.started_source IS DISTINCT FROM CASE
            WHEN NEW.stated_started_at IS NOT NULL THEN 'event' WHEN NEW.api_started_at IS NOT NULL THEN 'api'
            WHEN NEW.noticed_started_at IS NOT NULL THEN 'received' END
        OR NEW.ended_source IS DISTINCT FROM CASE
            WHEN NEW.stated_ended_at IS NOT NULL THEN 'event' WHEN NEW.api_ended_at IS NOT NULL THEN 'api'
            WHEN NEW.noticed_ended_at IS NOT NULL THEN 'received' END)
    EXECUTE FUNCTION rollcall.session_of_old_worker()
    """,
    """
    CREATE FUNCTION rollcall.participant_of_old_worker() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        NEW.joined_at := coalesce(NEW.stated_joined_at, NEW.api_joined_at, NEW.noticed_joined_at);
        NEW.joined_source := CASE
            WHEN NEW.stated_joined_at IS NOT NULL THEN 'event' WHEN NEW.api_joined_at IS NOT NULL THEN 'api'
            WHEN NEW.noticed_joined_at IS NOT NULL THEN 'received' END;
        IF NEW.left_source IS DISTINCT FROM 'event' AND NEW.api_left_at IS NOT NULL
            AND (NEW.last_joined_at > NEW.api_left_at) IS NOT TRUE
        THEN
            NEW.left_at := NEW.api_left_at;
            NEW.left_source := 'api';
        END IF;
        RETURN NEW;
    END $$
    """,
    """
    CREATE TRIGGER participant_of_old_worker BEFORE INSERT OR UPDATE ON rollcall.participants FOR EACH ROW
    WHEN (NEW.joined_source IS DISTINCT FROM CASE
            WHEN NEW.stated_joined_at IS NOT NULL THEN 'event' WHEN NEW.api_joined_at IS NOT NULL THEN 'api'
            WHEN NEW.noticed_joined_at IS NOT NULL THEN 'received' END
        OR NEW.joined_at IS DISTINCT FROM coalesce(NEW.stated_joined_at, NEW.api_joined_at, NEW.noticed_joined_at)
        OR (NEW.api_left_at IS NOT NULL AND (NEW.left_source IS NULL OR NEW.left_source = 'session_end')))
    EXECUTE FUNCTION rollcall.participant_of_old_worker()
    """,
    """
    CREATE FUNCTION rollcall.entry_of_old_worker() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        NEW.id := NEW.delivery_id;
        DELETE FROM rollcall.timeline AS entry
        WHERE entry.source = 'api' AND entry.subject_id = NEW.subject_id AND entry.kind = NEW.kind
            AND entry.session_id = NEW.session_id;
        RETURN NEW;
    END $$
    """,
    """
    CREATE TRIGGER entry_of_old_worker BEFORE INSERT ON rollcall.timeline FOR EACH ROW
    WHEN (NEW.id IS NULL) EXECUTE FUNCTION rollcall.entry_of_old_worker()
    """,
    """
    CREATE FUNCTION rollcall.entry_moved_by_old_worker() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        NEW.id := NEW.delivery_id;
        RETURN NEW;
    END $$
    """,
    """
    CREATE TRIGGER entry_moved_by_old_worker BEFORE UPDATE ON rollcall.timeline FOR EACH ROW
    WHEN (NEW.source = 'event' AND NEW.id IS DISTINCT FROM NEW.delivery_id)
    EXECUTE FUNCTION rollcall.entry_moved_by_old_worker()
    """,
)
TRIGGERS = {
    "session_of_old_worker": "sessions",
    "participant_of_old_worker": "participants",
    "entry_of_old_worker": "timeline",
    "entry_moved_by_old_worker": "timeline",
}

# What is known from the API alone goes, and each time is an event's again.
WITHOUT_OBSERVATIONS = (
    "DELETE FROM rollcall.timeline WHERE source = 'api'",
    "DELETE FROM rollcall.recordings AS r WHERE NOT EXISTS (SELECT FROM rollcall.deliveries WHERE subject_id = r.id)",
    """
    DELETE FROM rollcall.participants
    WHERE stated_joined_at IS NULL AND noticed_joined_at IS NULL AND last_left_at IS NULL AND observed_by IS NOT NULL
    """,
    "DELETE FROM rollcall.sessions WHERE last_received_at IS NULL",
    """
    UPDATE rollcall.sessions SET
        started_at = coalesce(stated_started_at, noticed_started_at),
        ended_at = coalesce(stated_ended_at, noticed_ended_at),
        status = CASE WHEN coalesce(stated_ended_at, noticed_ended_at) IS NULL THEN 'live' ELSE 'ended' END,
        last_event_at = last_received_at
    WHERE first_observed_at IS NOT NULL
    """,
    """
    UPDATE rollcall.participants AS participant SET
        joined_at = coalesce(stated_joined_at, noticed_joined_at),
        left_at = CASE WHEN left_source = 'event' THEN left_at ELSE session.ended_at END,
        left_source = CASE
            WHEN left_source = 'event' THEN left_source WHEN session.ended_at IS NOT NULL THEN 'session_end' END,
        preset_name = NULL
    FROM rollcall.sessions AS session
    WHERE session.id = participant.session_id AND session.first_observed_at IS NOT NULL
    """,
)
OLD_KEY = (
    "DROP INDEX rollcall.timeline_of_api",
    "ALTER TABLE rollcall.timeline DROP CONSTRAINT timeline_pkey",
    "CREATE UNIQUE INDEX timeline_of_delivery ON rollcall.timeline (delivery_id)",
    "ALTER TABLE rollcall.timeline ADD CONSTRAINT timeline_pkey PRIMARY KEY USING INDEX timeline_of_delivery",
    "ALTER TABLE rollcall.timeline DROP COLUMN id, DROP COLUMN source, DROP COLUMN observation_id",
    """
    ALTER TABLE rollcall.sessions
        DROP COLUMN started_source, DROP COLUMN ended_source, DROP COLUMN api_minutes, DROP COLUMN api_peak,
        DROP COLUMN observed_by, DROP COLUMN api_started_at, DROP COLUMN api_ended_at, DROP COLUMN last_received_at,
        DROP COLUMN live_at, DROP COLUMN first_observed_at
    """,
    """
    ALTER TABLE rollcall.participants
        DROP COLUMN user_id, DROP COLUMN joined_source, DROP COLUMN spans_connections, DROP COLUMN observed_by,
        DROP COLUMN api_joined_at, DROP COLUMN api_left_at,
        DROP CONSTRAINT participants_left_source_check,
        ADD CONSTRAINT participants_left_source_check CHECK (left_source IN ('event', 'session_end'))
    """,
    "DROP TABLE rollcall.lookups, rollcall.observations",
)


def upgrade() -> None:
    op.execute(HOLD_WRITERS)
    for statement in (*TABLES, *COLUMNS, *FILL, *CONSTRAINTS, *KEY, *OLD_WORKERS):
        op.execute(statement)


def downgrade() -> None:
    op.execute(HOLD_WRITERS)
    op.execute(HOLD_OBSERVERS)
    for name, table in TRIGGERS.items():
        op.execute(f"DROP TRIGGER {name} ON rollcall.{table}")
        op.execute(f"DROP FUNCTION rollcall.{name}")
    for statement in (*WITHOUT_OBSERVATIONS, *OLD_KEY):
        op.execute(statement)
