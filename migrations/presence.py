"""Which parts of our schema exist, whatever its revision: some may have been dropped, or left out of a restore."""

from pathlib import Path

from sqlalchemy import Connection, MetaData, text

from migrations.apply import MigrationError

_VIEWS = Path(__file__).parent / "views"
# Each after those it is built on.
_NAMES_OF_VIEWS = (
    "counted_until",
    "connections",
    "recording_lengths",
    "attendance",
    "concurrency",
    "session_summary",
    "usage_of",
    "daily_usage",
    "roster_attendance",
    "capture",
    "session_drift",
)

_THERE = text("""
    SELECT relname::text FROM pg_class WHERE relnamespace = to_regnamespace('rollcall') AND relkind IN ('r', 'p', 'v')
    UNION ALL
    SELECT proname::text FROM pg_proc WHERE pronamespace = to_regnamespace('rollcall')""")


def require_revision(connection: Connection, metadata: MetaData, revision: str | None) -> None:
    """Refuse to create tables that already exist.

    Raises:
        MigrationError: some of our tables exist, but no revision is recorded.
    """
    tables = sorted(_there(connection) & {table.name for table in metadata.sorted_tables})
    if revision is None and tables:
        raise MigrationError(
            f"The schema rollcall has tables ({', '.join(tables)}) but no record of their version: the row of "
            "rollcall.alembic_version is missing. Restore that table from the same backup as the others; or, if their "
            "data may be lost, run `DROP SCHEMA rollcall CASCADE` and `rollcall migrate` again."
        )


def make_whole(connection: Connection, metadata: MetaData) -> None:
    """Create missing views and functions of the newest revision.

    Raises:
        MigrationError: tables are missing. They held data, which this can't bring back.
    """
    there = _there(connection)
    missing = sorted({table.name for table in metadata.sorted_tables} - there)
    if missing:
        raise MigrationError(
            f"The schema rollcall is at the newest revision but lacks tables of it: {', '.join(missing)}. Restore "
            "them from a backup; without one, docs/operations.md (A half-present schema) says how to rebuild them "
            "from the ledger."
        )
    for name in _NAMES_OF_VIEWS:
        if name not in there:
            connection.exec_driver_sql((_VIEWS / f"{name}.sql").read_text(encoding="utf-8").replace("%", "%%"))


def _there(connection: Connection) -> set[str]:
    return set(connection.execute(_THERE).scalars())
