"""What is there of our schema, whatever its revision says: parts may have been dropped, or left out of a restore."""

from pathlib import Path

from sqlalchemy import Connection, MetaData, text

from migrations.apply import MigrationError

_VIEWS = Path(__file__).parent / "views"
# In the order in which they are made of each other.
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
)

_THERE = text("""
    SELECT relname::text FROM pg_class WHERE relnamespace = to_regnamespace('rollcall') AND relkind IN ('r', 'p', 'v')
    UNION ALL
    SELECT proname::text FROM pg_proc WHERE pronamespace = to_regnamespace('rollcall')""")


def require_revision(connection: Connection, metadata: MetaData, revision: str | None) -> None:
    """Refuse to make tables where they are already.

    Raises:
        MigrationError: there are some of our tables, and no revision that says what they are.
    """
    tables = sorted(_there(connection) & {table.name for table in metadata.sorted_tables})
    if revision is None and tables:
        raise MigrationError(
            f"The schema rollcall holds tables ({', '.join(tables)}) and nothing that says of which version they are: "
            "the row of rollcall.alembic_version is missing. Restore that table too, from where the others are; or, if "
            "what they hold may go, `DROP SCHEMA rollcall CASCADE` and call `rollcall migrate` again."
        )


def make_whole(connection: Connection, metadata: MetaData) -> None:
    """Make the views and functions that are missing of the newest revision.

    Raises:
        MigrationError: tables are missing. They held something, so this is not for us to make good.
    """
    there = _there(connection)
    missing = sorted({table.name for table in metadata.sorted_tables} - there)
    if missing:
        raise MigrationError(
            f"The revision is the newest, and the schema rollcall lacks tables of it: {', '.join(missing)}. Restore "
            "them from a backup; without one, docs/operations.md (A half-present schema) says how to make them of the "
            "ledger again."
        )
    for name in _NAMES_OF_VIEWS:
        if name not in there:
            connection.exec_driver_sql((_VIEWS / f"{name}.sql").read_text(encoding="utf-8").replace("%", "%%"))


def _there(connection: Connection) -> set[str]:
    return set(connection.execute(_THERE).scalars())
