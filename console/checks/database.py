"""The database: whether it answers, its version, and the revision of its tables."""

from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any, LiteralString

import psycopg
from psycopg import errors

from console.checks.finding import Finding, Health, bad, good
from console.checks.rights import lacking
from migrations.apply import migrations_config
from migrations.encoding import encoding_fault
from runtime.addresses import database_url
from runtime.connections import connect
from runtime.environment import SettingError
from runtime.passwords import reason

_OLDEST_MAJOR = 15
# Seconds; libpq counts from 2.
_CONNECT_TIMEOUT = 2

# Postgres refuses updates and deletes on published tables without a replica identity.
_PUBLISHED_WITHOUT_IDENTITY = """
SELECT DISTINCT format('%I.%I', published.schemaname, published.tablename)
FROM pg_publication_tables AS published
JOIN pg_publication AS publication ON publication.pubname = published.pubname
JOIN pg_namespace ON nspname = published.schemaname
JOIN pg_class ON relnamespace = pg_namespace.oid AND relname = published.tablename
WHERE nspname IN ('rollcall', 'rollcall_queue') AND (pubupdate OR pubdelete) AND relreplident <> 'f'
    AND NOT EXISTS (
        SELECT FROM pg_index
        WHERE indrelid = pg_class.oid AND CASE relreplident WHEN 'd' THEN indisprimary WHEN 'i' THEN indisreplident END)
ORDER BY 1
"""
_HOLDS_TABLES: LiteralString = (
    "SELECT to_regclass('rollcall.deliveries') WHERE to_regclass('rollcall.deliveries') IS NOT NULL"
)


def check_database(environment: Mapping[str, str]) -> Iterator[Finding]:
    """Check the database in use and the revision of its tables."""
    try:
        url = database_url(environment)
    except SettingError as error:
        yield bad("database", str(error))
        return
    try:
        with connect(url, name="rollcall doctor", connect_timeout=_CONNECT_TIMEOUT) as connection:
            yield _check_server(connection)
            yield from _check_publications(connection)
            revision = _check_revision(connection)
            yield revision
            if revision.health is Health.GOOD:
                yield from lacking(connection)
    except psycopg.ProgrammingError:
        # Not its text: it quotes parts of the URL.
        yield bad("database", "DATABASE_URL has options that Postgres does not support. Correct it.")
    except psycopg.Error as error:
        yield bad("database", f"it does not answer: {reason(error, url)} Is the server in DATABASE_URL running?")


def place_of(connection: psycopg.Connection[Any]) -> str:
    """Return a connection's address for display, without user and password."""
    info = connection.info
    return f"{info.host}/{info.dbname}" if info.host.startswith("/") else f"{info.host}:{info.port}/{info.dbname}"


def _check_server(connection: psycopg.Connection[Any]) -> Finding:
    version = connection.info.server_version // 10000
    if version < _OLDEST_MAJOR:
        return bad(
            "database", f"Postgres {version} at {place_of(connection)} is too old: use {_OLDEST_MAJOR} or newer."
        )
    fault = encoding_fault(connection)
    if fault is not None:
        return bad("database", fault)
    row = connection.execute("SELECT pg_is_in_recovery() OR current_setting('transaction_read_only')::bool").fetchone()
    if row is not None and row[0]:
        return bad(
            "database",
            f"Postgres {version} at {place_of(connection)} is read-only: it is a standby or configured so. "
            "Set DATABASE_URL to the primary.",
        )
    return good("database", f"Postgres {version} at {place_of(connection)}")


@cache
def revisions() -> tuple[str | None, frozenset[str]]:
    """Return the newest revision and all that this version knows. The first call takes half a second."""
    from alembic.script import ScriptDirectory  # noqa: PLC0415 - slow to import and only needed by doctor

    script = ScriptDirectory.from_config(migrations_config(""))
    return script.get_current_head(), frozenset(revision.revision for revision in script.walk_revisions())


def _check_revision(connection: psycopg.Connection[Any]) -> Finding:
    newest, known = revisions()
    try:
        row = connection.execute("SELECT version_num FROM rollcall.alembic_version").fetchone()
    except (errors.UndefinedTable, errors.InvalidSchemaName):
        row = None
    except errors.InsufficientPrivilege:
        return bad("revision", "the user in DATABASE_URL can't read the schema rollcall: grant it that privilege.")
    if row is None and connection.execute(_HOLDS_TABLES).fetchone():
        return bad(
            "revision",
            "the schema rollcall has tables but no record of their version: restore the table "
            "rollcall.alembic_version from where the others are. `rollcall migrate` says more.",
        )
    if row is None:
        return bad("revision", "the database has no tables yet: run `rollcall migrate`.")
    if row[0] == newest:
        return good("revision", f"{newest}, the latest")
    if row[0] in known:
        return bad("revision", f"{row[0]} is older than this version's {newest}: run `rollcall migrate`.")
    return bad("revision", f"{row[0]} is of a newer version than this one (latest {newest}): install that version.")


def _check_publications(connection: psycopg.Connection[Any]) -> Iterator[Finding]:
    tables = [row[0] for row in connection.execute(_PUBLISHED_WITHOUT_IDENTITY)]
    if tables:
        yield bad(
            "publication",
            f"a publication covers {', '.join(tables)} without a replica identity, so Postgres refuses to change rows: "
            "run `ALTER TABLE … REPLICA IDENTITY DEFAULT` on each, or remove it from the publication.",
        )
