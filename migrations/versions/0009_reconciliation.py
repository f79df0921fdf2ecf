"""The pace of calls to the vendor's API, and how far each that asks it has come.

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


def upgrade() -> None:
    for statement in TABLES:
        op.execute(statement)


def downgrade() -> None:
    op.execute("DROP TABLE rollcall.reconciliations")
    op.execute("DROP TABLE rollcall.vendor_pace")
