"""The queue's tables, used if the queue is in Postgres.

Revision ID: 0002
Revises: 0001
"""

from alembic import op

from migrations.queue import SCHEMA, make_queue

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    make_queue(op.get_bind())


def downgrade() -> None:
    op.execute(f"DROP SCHEMA {SCHEMA} CASCADE")
