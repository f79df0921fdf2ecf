"""What a worker needs of the tables and has not: a table itself, or rights to it."""

from collections.abc import Iterator
from typing import Any, LiteralString

import psycopg

from console.checks.finding import Finding, bad

# As the models name them; not taken from there, as those take long to import.
TABLES = (
    "artifacts",
    "deliveries",
    "livestreams",
    "meetings",
    "organizations",
    "participant_events",
    "participants",
    "recordings",
    "sessions",
    "timeline",
)

_LACKING: LiteralString = """
    SELECT name, to_regclass(name) IS NULL, ARRAY(
        SELECT privilege FROM unnest(ARRAY['SELECT', 'INSERT', 'UPDATE', 'DELETE']) AS privilege
        WHERE NOT has_table_privilege(to_regclass(name), privilege))
    FROM unnest(%s::text[]) AS name ORDER BY name"""


def lacking(connection: psycopg.Connection[Any]) -> Iterator[Finding]:
    """Name the tables that are missing, and the rights that the connection's user lacks; nothing if all is there."""
    rows = connection.execute(_LACKING, [[f"rollcall.{table}" for table in TABLES]]).fetchall()
    missing = ", ".join(name for name, is_missing, _ in rows if is_missing)
    if missing:
        yield bad("tables", f"missing: {missing}. Restore what was dropped or renamed; workers hold what needs it.")
    refused = "; ".join(
        f"{', '.join(rights)} on {name}" for name, is_missing, rights in rows if rights and not is_missing
    )
    if refused:
        yield bad("tables", f"the user of DATABASE_URL lacks rights that a worker needs: {refused}. Grant them.")
