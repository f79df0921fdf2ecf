"""Tables and privileges that a worker needs but does not have."""

from collections.abc import Iterator
from typing import Any, LiteralString

import psycopg

from console.checks.finding import Finding, bad

# Duplicated from the models, which are slow to import.
TABLES = (
    "artifacts",
    "attempts",
    "audit",
    "deliveries",
    "endpoint_secrets",
    "endpoint_states",
    "endpoints",
    "livestreams",
    "lookups",
    "marks",
    "meetings",
    "message_deliveries",
    "messages",
    "observations",
    "organizations",
    "participant_events",
    "participants",
    "reconciliations",
    "recordings",
    "roster",
    "roster_verdicts",
    "sessions",
    "tellings",
    "timeline",
    "vendor_pace",
)

VIEWS = ("attendance", "concurrency", "connections", "daily_usage", "recording_lengths", "session_summary")
_MISSING_VIEWS: LiteralString = (
    "SELECT name FROM unnest(%s::text[]) AS name WHERE to_regclass(name) IS NULL ORDER BY name"
)
_LACKING: LiteralString = """
    SELECT name, to_regclass(name) IS NULL, ARRAY(
        SELECT privilege FROM unnest(ARRAY['SELECT', 'INSERT', 'UPDATE', 'DELETE']) AS privilege
        WHERE NOT has_table_privilege(to_regclass(name), privilege))
    FROM unnest(%s::text[]) AS name ORDER BY name"""


def lacking(connection: psycopg.Connection[Any]) -> Iterator[Finding]:
    """Report missing tables and privileges that the connection's user lacks, if any."""
    rows = connection.execute(_LACKING, [[f"rollcall.{table}" for table in TABLES]]).fetchall()
    missing = ", ".join(name for name, is_missing, _ in rows if is_missing)
    if missing:
        yield bad("tables", f"missing: {missing}. Restore them; until then workers hold the deliveries that need them.")
    views = connection.execute(_MISSING_VIEWS, [[f"rollcall.{view}" for view in VIEWS]]).fetchall()
    if views and not missing:
        names = ", ".join(name for (name,) in views)
        yield bad("tables", f"missing: {names}. `rollcall migrate` makes views again.")
    refused = "; ".join(
        f"{', '.join(rights)} on {name}" for name, is_missing, rights in rows if rights and not is_missing
    )
    if refused:
        yield bad("tables", f"the user in DATABASE_URL lacks privileges that a worker needs: {refused}. Grant them.")
