"""Fewer reads and writes: an index of a session's deliveries, the timeline's in order of time, room for updates.

Revision ID: 0004
Revises: 0003
"""

from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

SCHEMA = "rollcall"

# An update that fits on the row's page and changes no indexed column needs no new index entries.
FILLFACTORS = {"sessions": (75, 50), "meetings": (100, 50), "recordings": (100, 50)}

# Columns without lookups are not worth sampling, least of all whole bodies.
NOT_SAMPLED = (("deliveries", "payload"), ("deliveries", "raw"), ("timeline", "detail"))

# Writers wait from here to the end, readers only at the last moment. A worker's transaction uses the tables in the same
# order, so that migration and workers of the older version can't deadlock.
HOLD_WRITERS = """
LOCK TABLE rollcall.deliveries, rollcall.sessions, rollcall.timeline, rollcall.recordings, rollcall.meetings
IN SHARE ROW EXCLUSIVE MODE
"""

# The copies of a body that do not count, and status updates, are in the index of first copies under their own ids.
FIRST_COPY = """
(session_id, body_sha256,
    (CASE WHEN status IN ('processed', 'unknown', 'quarantined') AND subject_id IS NULL THEN NULL::uuid ELSE id END)
) NULLS NOT DISTINCT
"""
FIRST_COPY_ALONE = """
(session_id, body_sha256) NULLS NOT DISTINCT
WHERE status IN ('processed', 'unknown', 'quarantined') AND subject_id IS NULL
"""
# Time distinguishes a session's entries better than their kinds do, and they are read in order of time.
ENTRY_BY_TIME = "(session_id, occurred_at, kind, subject_id) NULLS NOT DISTINCT"
ENTRY_BY_KIND = "(session_id, kind, subject_id, occurred_at) NULLS NOT DISTINCT"


def _replace_indexes(deliveries_first_copy: str, timeline_entry: str) -> None:
    """Recreate two unique indexes; a version running meanwhile refers to columns, not indexes."""
    op.execute(HOLD_WRITERS)
    op.execute(f"CREATE UNIQUE INDEX new_first_copy ON {SCHEMA}.deliveries {deliveries_first_copy}")
    op.execute(f"CREATE UNIQUE INDEX new_entry ON {SCHEMA}.timeline {timeline_entry}")
    for old, new in (("deliveries_first_copy", "new_first_copy"), ("timeline_entry", "new_entry")):
        op.execute(f"DROP INDEX {SCHEMA}.{old}")
        op.execute(f"ALTER INDEX {SCHEMA}.{new} RENAME TO {old}")


def upgrade() -> None:
    _replace_indexes(FIRST_COPY, ENTRY_BY_TIME)
    # A meeting's recordings are found through its sessions.
    op.drop_index("recordings_of_meeting", table_name="recordings", schema=SCHEMA)
    for table, (_, fillfactor) in FILLFACTORS.items():
        op.execute(f"ALTER TABLE {SCHEMA}.{table} SET (fillfactor = {fillfactor})")
    for table, column in NOT_SAMPLED:
        op.execute(f"ALTER TABLE {SCHEMA}.{table} ALTER COLUMN {column} SET STATISTICS 0")


def downgrade() -> None:
    _replace_indexes(FIRST_COPY_ALONE, ENTRY_BY_KIND)
    op.create_index("recordings_of_meeting", "recordings", ["meeting_id"], schema=SCHEMA)
    for table, (fillfactor, _) in FILLFACTORS.items():
        op.execute(f"ALTER TABLE {SCHEMA}.{table} SET (fillfactor = {fillfactor})")
    for table, column in NOT_SAMPLED:
        op.execute(f"ALTER TABLE {SCHEMA}.{table} ALTER COLUMN {column} SET STATISTICS -1")
