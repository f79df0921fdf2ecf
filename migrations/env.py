"""Run by Alembic to migrate: one connection, one migrator at a time, everything in one transaction.

The database's URL comes from `config.attributes["url"]` (set by `rollcall migrate` and the tests), else from the
settings (for the `alembic` command). It is never printed.
"""

from typing import cast

from alembic import context
from sqlalchemy import Connection, MetaData, NullPool, create_engine, text

from migrations.apply import MigrationError
from migrations.encoding import encoding_fault
from migrations.presence import make_whole, require_revision
from migrations.queue import make_parked, make_queue
from runtime.addresses import database_url
from runtime.connections import connect
from runtime.environment import read_environment
from runtime.session import Session
from workers.tables.models import Base

SCHEMA = "rollcall"

# "rollcall" in ASCII, recognizable among a database's advisory locks.
MIGRATION_LOCK = int.from_bytes(b"rollcall")

# A migration waits this long for a table that is in use, then fails: while it waits, everyone else who needs the table
# queues up behind it, above all the workers.
LOCK_TIMEOUT = "10s"

# How long a second migrator waits for the first.
TURN_TIMEOUT = "10min"

# What a worker's transaction writes, in its order. Migrations would lock these one by one as they come to them, and
# could deadlock with a worker.
WRITTEN = (
    *("deliveries", "sessions", "participants", "participant_events", "timeline", "artifacts", "recordings"),
    *("livestreams", "meetings", "organizations"),
)
_THERE = text("""
    SELECT 'rollcall.' || name FROM unnest(CAST(:names AS text[])) WITH ORDINALITY AS written (name, place)
    WHERE to_regclass('rollcall.' || name) IS NOT NULL ORDER BY place""")


def migrate(metadata: MetaData) -> None:
    """Run the requested migrations."""
    url = context.config.attributes.get("url") or database_url(read_environment())
    # The driver gets the URL unchanged: libpq accepts forms (several hosts, a service) that SQLAlchemy can't parse.
    engine = create_engine("postgresql+psycopg://", creator=lambda: _connect(url), poolclass=NullPool)
    with engine.connect() as connection, connection.begin():
        session = cast("Session", connection.connection.driver_connection)
        session.set_up_transaction()
        fault = encoding_fault(session)
        if fault is not None:
            raise MigrationError(fault)
        # Limits meant for queries must not abort a migration, nor its wait for its turn. Behind a pooler the session
        # may have them despite our settings.
        connection.execute(text("SET LOCAL statement_timeout = 0"))
        connection.execute(text("SET LOCAL idle_in_transaction_session_timeout = 0"))
        # Held until the transaction ends, so also over what a migration does last; works through a pooler, as a lock of
        # the session would not.
        connection.execute(text(f"SET LOCAL lock_timeout = '{TURN_TIMEOUT}'"))
        connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": MIGRATION_LOCK})
        connection.execute(text(f"SET LOCAL lock_timeout = '{LOCK_TIMEOUT}'"))
        # A role named as our schema has it as its default one: a name without a schema would land there, and Alembic
        # would not know the schema by its name.
        connection.execute(text("SET LOCAL search_path = public"))
        connection.dialect.default_schema_name = "public"
        # The version table is in the schema too, so it has to be there before the first migration. Asked first:
        # IF NOT EXISTS wants the right to create schemas even where there is nothing to create.
        if connection.execute(text("SELECT to_regnamespace(:schema)"), {"schema": SCHEMA}).scalar() is None:
            connection.execute(text(f"CREATE SCHEMA {SCHEMA}"))
        context.configure(
            connection=connection,
            target_metadata=metadata,
            version_table_schema=SCHEMA,
            include_schemas=True,
            include_name=_is_ours,
            compare_server_default=True,
        )
        migration = context.get_context()
        revision = migration.get_current_revision()
        require_revision(connection, metadata, revision)
        if revision not in {None, context.script.get_current_head()}:
            _hold_writers(connection)
        with context.begin_transaction():
            context.run_migrations()
        if migration.get_current_revision() == context.script.get_current_head():
            make_queue(connection)
            make_parked(connection)
            make_whole(connection, metadata)


def _hold_writers(connection: Connection) -> None:
    """Let workers wait until the migration has ended; readers wait only where a migration needs a table alone."""
    there = connection.execute(_THERE, {"names": list(WRITTEN)}).scalars()
    connection.execute(text(f"LOCK TABLE {', '.join(there)} IN SHARE ROW EXCLUSIVE MODE"))


def _connect(url: str) -> Session:
    connection = connect(url, name="rollcall migrate")
    connection.autocommit = False
    return connection


def _is_ours(name: str | None, type_: str, _parents: object) -> bool:
    """Return whether autogenerate and the check of models against migrations look at something: only at our schema."""
    return type_ != "schema" or name == SCHEMA


if context.is_offline_mode():
    raise SystemExit("The migrations run on a database, not into a file: the queue's tables come with a library.")
migrate(Base.metadata)
