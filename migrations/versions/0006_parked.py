"""A table for queue messages that the running version can't read.

Revision ID: 0006
Revises: 0005
"""

from alembic import op

from migrations.queue import SCHEMA, make_parked

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    make_parked(op.get_bind())


def downgrade() -> None:
    # Nothing is lost: the older version returns what it can't read to the queue.
    op.execute(f"""
        INSERT INTO {SCHEMA}.queue (message_id, queue_name, state, message)
        SELECT gen_random_uuid(), queue_name, 'queued', message FROM {SCHEMA}.parked ORDER BY id""")  # noqa: S608 - a constant
    op.execute(f"DROP TABLE {SCHEMA}.parked")
