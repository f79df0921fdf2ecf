"""Every migration goes down and up again on a database that is in use."""

import psycopg
import pytest
from alembic import command
from alembic.script import ScriptDirectory

from migrations.apply import migrations_config

REVISIONS = [script.revision for script in ScriptDirectory.from_config(migrations_config("")).walk_revisions()]

TABLES = """
    SELECT table_schema || '.' || table_name FROM information_schema.tables
    WHERE table_schema IN ('rollcall', 'rollcall_queue') AND table_type = 'BASE TABLE'
        AND table_name <> 'alembic_version'
    ORDER BY 1
"""


def columns_and_indexes(url: str) -> list[tuple[str, ...]]:
    """All that a migration can change, as text."""
    with psycopg.connect(url) as connection:
        return connection.execute(
            """
            SELECT table_schema, table_name, column_name, data_type, is_nullable FROM information_schema.columns
            WHERE table_schema IN ('rollcall', 'rollcall_queue')
            UNION ALL
            SELECT schemaname, tablename, indexname, indexdef, '' FROM pg_indexes
            WHERE schemaname IN ('rollcall', 'rollcall_queue')
            UNION ALL
            SELECT table_schema, table_name, view_definition, '', '' FROM information_schema.views
            WHERE table_schema = 'rollcall'
            UNION ALL
            SELECT relnamespace::regnamespace::text, relname, array_to_string(reloptions, ', '), '', '' FROM pg_class
            WHERE relnamespace IN ('rollcall'::regnamespace, 'rollcall_queue'::regnamespace) AND relkind = 'r'
            UNION ALL
            SELECT attrelid::regclass::text, attname, coalesce(attstattarget, -1)::text, '', '' FROM pg_attribute
            WHERE attrelid IN (SELECT oid FROM pg_class WHERE relnamespace = 'rollcall'::regnamespace AND relkind = 'r')
                AND NOT attisdropped
            ORDER BY 1, 2, 3
            """
        ).fetchall()


def rows(url: str) -> dict[str, int]:
    with psycopg.connect(url) as connection:
        tables = [row[0] for row in connection.execute(TABLES)]
        counts = {}
        for table in tables:
            row = connection.execute(f"SELECT count(*) FROM {table}").fetchone()
            assert row is not None
            counts[table] = int(row[0])
        return counts


@pytest.mark.parametrize("revision", REVISIONS)
def test_a_migration_goes_down_and_up_with_rows_present(revision: str, used_database_url: str) -> None:
    config = migrations_config(used_database_url)
    shape, before = columns_and_indexes(used_database_url), rows(used_database_url)
    assert before["rollcall.deliveries"] > 40

    command.downgrade(config, f"{revision}-1")
    left = rows(used_database_url)
    command.upgrade(config, "head")

    assert columns_and_indexes(used_database_url) == shape
    # What a step down does not drop it leaves as it is.
    assert {table: rows(used_database_url)[table] for table in left} == left
    assert all(count == before[table] for table, count in left.items())
