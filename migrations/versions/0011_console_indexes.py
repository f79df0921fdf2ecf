"""Indexes for what people look for in the console: prefixes of ids and names, what was set aside, rare events.

Revision ID: 0011
Revises: 0010
"""

from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None

# Writers wait from here to the end, readers only where an index is replaced. In the order in which workers use them.
HOLD_WRITERS = """
LOCK TABLE rollcall.deliveries, rollcall.sessions, rollcall.participants, rollcall.messages, rollcall.message_deliveries
IN SHARE ROW EXCLUSIVE MODE
"""

# Prefixes by bytes: an index in the order of a language is of no use for them. It finds whole ids as well.
PERSON_BY_PREFIX = "(custom_participant_id text_pattern_ops) WHERE custom_participant_id IS NOT NULL"
PERSON_WHOLE = "(custom_participant_id) WHERE custom_participant_id IS NOT NULL"

# What every delivery has is in none of them. That of joins says for each part of the table which times it holds.
INDEXES = {
    "participants_by_name": "participants (lower(display_name) text_pattern_ops) WHERE display_name IS NOT NULL",
    "participants_by_join": "participants USING brin (joined_at)",
    "sessions_by_prefix": "sessions (id text_pattern_ops)",
    "deliveries_set_aside_of_session": (
        "deliveries (session_id) WHERE status IN ('unknown', 'foreign', 'quarantined')"
    ),
    "deliveries_with_error": "deliveries (id) WHERE error IS NOT NULL",
    "deliveries_of_rare_events": (
        "deliveries (event, id) WHERE event NOT IN ('meeting.started', 'meeting.ended', 'meeting.participantJoined',"
        " 'meeting.participantLeft')"
    ),
    "messages_of_type": "messages (type, position)",
    "message_deliveries_of_endpoint": "message_deliveries (endpoint_id, position)",
}


def _replace_index_of_persons(definition: str) -> None:
    op.execute(f"CREATE INDEX new_of_person ON rollcall.participants {definition}")
    op.execute("DROP INDEX rollcall.participants_of_person")
    op.execute("ALTER INDEX rollcall.new_of_person RENAME TO participants_of_person")


def upgrade() -> None:
    op.execute(HOLD_WRITERS)
    for name, definition in INDEXES.items():
        op.execute(f"CREATE INDEX {name} ON rollcall.{definition}")
    _replace_index_of_persons(PERSON_BY_PREFIX)


def downgrade() -> None:
    op.execute(HOLD_WRITERS)
    for name in INDEXES:
        op.execute(f"DROP INDEX rollcall.{name}")
    _replace_index_of_persons(PERSON_WHOLE)
