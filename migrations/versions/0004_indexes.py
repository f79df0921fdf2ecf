"""Less to read and write: a session's deliveries have an index, its timeline's is in time's order, changes find room.

Revision ID: 0004
Revises: 0003
"""

from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

SCHEMA = "rollcall"

# A row whose new version finds room on its page needs no new entry in any index.
FILLFACTORS = {"sessions": (75, 50), "meetings": (100, 50), "recordings": (100, 50)}


# What nobody looks rows up by is not worth sampling, least of all whole bodies.
NOT_SAMPLED = (("deliveries", "payload"), ("deliveries", "raw"), ("timeline", "detail"))

# The copies of a body that do not count, and status updates, are in the index of first copies under their own ids.
FIRST_COPY = """
CREATE UNIQUE INDEX deliveries_first_copy ON rollcall.deliveries (
    session_id, body_sha256,
    (CASE WHEN status IN ('processed', 'unknown', 'quarantined') AND subject_id IS NULL THEN NULL::uuid ELSE id END)
) NULLS NOT DISTINCT
"""
FIRST_COPY_ALONE = """
CREATE UNIQUE INDEX deliveries_first_copy ON rollcall.deliveries (session_id, body_sha256) NULLS NOT DISTINCT
WHERE status IN ('processed', 'unknown', 'quarantined') AND subject_id IS NULL
"""


# In the order in which a worker's transaction comes to them: while the older version still runs, neither waits for who
# waits for it.
HOLD_ALL = """
LOCK TABLE rollcall.deliveries, rollcall.sessions, rollcall.timeline, rollcall.recordings, rollcall.meetings
IN ACCESS EXCLUSIVE MODE
"""


def _order_timeline_by(*columns: str) -> None:
    """Make the index of the timeline anew; a version that runs meanwhile names its columns, whatever their order."""
    op.drop_index("timeline_entry", table_name="timeline", schema=SCHEMA)
    op.create_index(
        "timeline_entry", "timeline", columns, unique=True, schema=SCHEMA, postgresql_nulls_not_distinct=True
    )


def upgrade() -> None:
    op.execute(HOLD_ALL)
    op.drop_index("deliveries_first_copy", table_name="deliveries", schema=SCHEMA)
    op.execute(FIRST_COPY)
    # The time tells two entries of a session apart sooner than their kinds do, and they are read in its order.
    _order_timeline_by("session_id", "occurred_at", "kind", "subject_id")
    for table, (_, fillfactor) in FILLFACTORS.items():
        op.execute(f"ALTER TABLE {SCHEMA}.{table} SET (fillfactor = {fillfactor})")
    for table, column in NOT_SAMPLED:
        op.execute(f"ALTER TABLE {SCHEMA}.{table} ALTER COLUMN {column} SET STATISTICS 0")


def downgrade() -> None:
    op.execute(HOLD_ALL)
    for table, column in NOT_SAMPLED:
        op.execute(f"ALTER TABLE {SCHEMA}.{table} ALTER COLUMN {column} SET STATISTICS -1")
    for table, (fillfactor, _) in FILLFACTORS.items():
        op.execute(f"ALTER TABLE {SCHEMA}.{table} SET (fillfactor = {fillfactor})")
    _order_timeline_by("session_id", "kind", "subject_id", "occurred_at")
    op.drop_index("deliveries_first_copy", table_name="deliveries", schema=SCHEMA)
    op.execute(FIRST_COPY_ALONE)
