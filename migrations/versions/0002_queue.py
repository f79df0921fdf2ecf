"""The queue's own tables, for those who queue in Postgres.

Revision ID: 0002
Revises: 0001
"""

from alembic import op
from dramatiq_postgres.schema import generate_init_sql

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

SCHEMA = "rollcall_queue"


def upgrade() -> None:
    statements = generate_init_sql(schema=SCHEMA)  # type: ignore[no-untyped-call]  # the library has no types
    op.get_bind().exec_driver_sql(statements.replace("%", "%%"))
    # A queue's table is small and turns over all the time: clean it by what came and went, not by its size.
    op.execute(
        f"ALTER TABLE {SCHEMA}.queue SET (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 2000)"
    )
    # A message is compressed before it comes here; Postgres need not try again.
    op.execute(f"ALTER TABLE {SCHEMA}.queue ALTER COLUMN message SET STORAGE EXTERNAL")


def downgrade() -> None:
    op.execute(f"DROP SCHEMA {SCHEMA} CASCADE")
