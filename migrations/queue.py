"""The queue's tables. Each is created if missing, because they may be dropped or restored apart from the others.

They are defined by dramatiq-postgres. Their rows are kept.
"""

import re
from collections.abc import Iterator

from dramatiq_postgres.schema import generate_init_sql
from sqlalchemy import Connection, text

SCHEMA = "rollcall_queue"

# A queue's table is small and changes constantly, so vacuum it by the number of changes, not by its size. Messages are
# already compressed; Postgres need not try again.
_TUNED = (
    f"ALTER TABLE {SCHEMA}.queue SET (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 2000)",
    f"ALTER TABLE {SCHEMA}.queue ALTER COLUMN message SET STORAGE EXTERNAL",
)
_PARKED = (
    f"""
    CREATE TABLE {SCHEMA}.parked (
        id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
        message_id uuid NOT NULL,
        queue_name text NOT NULL,
        parked_at timestamptz NOT NULL DEFAULT now(),
        reason text NOT NULL,
        message jsonb
    )""",
    f"ALTER TABLE {SCHEMA}.parked ALTER COLUMN message SET STORAGE EXTERNAL",
)
_OF = re.compile(rf'(?:TYPE|TABLE|ON)\s+"?{SCHEMA}"?\."?(\w+)"?')
_IS_THERE = text("SELECT coalesce(to_regclass(:name)::oid, to_regtype(:name)::oid) IS NOT NULL")


def make_queue(connection: Connection) -> None:
    """Create the missing parts of the queue's schema, within the connection's transaction."""
    # Asked first: IF NOT EXISTS wants the right to create schemas even where there is nothing to create.
    if connection.execute(text("SELECT to_regnamespace(:schema)"), {"schema": SCHEMA}).scalar() is None:
        connection.execute(text(f"CREATE SCHEMA {SCHEMA}"))
    there: dict[str, bool] = {}
    for name, statement in _statements():
        if name not in there:
            there[name] = bool(connection.execute(_IS_THERE, {"name": f"{SCHEMA}.{name}"}).scalar())
        if not there[name]:
            connection.exec_driver_sql(statement.replace("%", "%%"))
    if not there["queue"]:
        for statement in _TUNED:
            connection.execute(text(statement))


def make_parked(connection: Connection) -> None:
    """Create the table of messages that the running version can't read, if it is missing."""
    if not connection.execute(_IS_THERE, {"name": f"{SCHEMA}.parked"}).scalar():
        for statement in _PARKED:
            connection.execute(text(statement))


def _statements() -> Iterator[tuple[str, str]]:
    """Yield the library's statements, each with the type or table that it concerns."""
    script = generate_init_sql(schema=SCHEMA)  # type: ignore[no-untyped-call]  # the library has no types
    for statement in re.sub("--.*", "", script).split(";"):
        about = _OF.search(statement)
        if about is not None:
            yield about[1], statement
