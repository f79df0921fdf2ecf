"""What people did in the web console.

Revision ID: 0010
Revises: 0009
"""

from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

TABLE = """
CREATE TABLE rollcall.audit (
    id bigint GENERATED ALWAYS AS IDENTITY,
    at timestamptz NOT NULL DEFAULT clock_timestamp(),
    who text NOT NULL,
    act text NOT NULL,
    subject text NOT NULL,
    touched bigint,
    address text NOT NULL,
    CONSTRAINT audit_pkey PRIMARY KEY (id)
)
"""


def upgrade() -> None:
    op.execute(TABLE)


def downgrade() -> None:
    op.execute("DROP TABLE rollcall.audit")
