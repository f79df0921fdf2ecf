"""A primary key for the timeline, so that it can be published: a delivery has at most one entry in it.

Without one Postgres refuses every update and delete as soon as a publication covers the table. All other tables have
theirs from the start.

Revision ID: 0005
Revises: 0004
"""

from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

SCHEMA = "rollcall"

# Writers wait from here to the end, readers only at the last moment. Everything that other migrations lock in the same
# transaction is locked now, in the order in which a worker's transaction uses the tables; locked one by one, migration
# and worker could deadlock.
HOLD_WRITERS = """
LOCK TABLE rollcall.deliveries, rollcall.sessions, rollcall.timeline, rollcall.recordings, rollcall.meetings
IN SHARE ROW EXCLUSIVE MODE
"""


def upgrade() -> None:
    op.execute(HOLD_WRITERS)
    op.execute(f"CREATE UNIQUE INDEX timeline_pkey ON {SCHEMA}.timeline (delivery_id)")
    op.execute(f"ALTER TABLE {SCHEMA}.timeline ADD CONSTRAINT timeline_pkey PRIMARY KEY USING INDEX timeline_pkey")


def downgrade() -> None:
    op.execute(HOLD_WRITERS)
    op.drop_constraint("timeline_pkey", "timeline", schema=SCHEMA)
