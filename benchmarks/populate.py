"""Fills a migrated, empty database with years' worth of data in minutes.

    python -m benchmarks.populate --database-url postgresql://... --sessions 200000

Per session: ten participants (a few sessions have none, a few a thousand), thirty deliveries with payloads of the
vendor's size, and the rows that workers would derive from them. Postgres generates the rows, see populate_chunk.sql.
With --more also what the console shows besides (populate_more.sql): set-aside deliveries, lookups, messages, attempts.
Indexes other than primary keys are dropped first and created at the end, which saves hours.
"""

import argparse
import json
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psycopg

CHUNK_SQL = (Path(__file__).parent / "populate_chunk.sql").read_text(encoding="utf-8")
MORE_SQL = (Path(__file__).parent / "populate_more.sql").read_text(encoding="utf-8")

# Sessions per transaction: enough for set-based SQL, few enough for progress and for temporary tables in memory.
CHUNK = 1000

# The share of deliveries that are retries: with them a session has a little over 30 deliveries.
REPEATS = 0.16

SECONDARY_INDEXES = """
SELECT format('%I.%I', schemaname, indexname), indexdef
FROM pg_indexes
JOIN pg_class ON pg_class.oid = format('%I.%I', schemaname, indexname)::regclass
WHERE schemaname = 'rollcall'
    AND NOT EXISTS (SELECT FROM pg_constraint WHERE conindid = pg_class.oid)
ORDER BY indexname
"""

SIZES = """
SELECT relname, pg_total_relation_size(oid) / 1024 / 1024
FROM pg_class WHERE relnamespace = 'rollcall'::regnamespace AND relkind = 'r' ORDER BY 2 DESC
"""


def main() -> None:
    """Fill the database and print a JSON line: rows and MiB per table, and the seconds it took."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--database-url", required=True, help="a database with all migrations applied and no rows")
    parser.add_argument("--sessions", type=int, default=200_000)
    parser.add_argument("--organizations", type=int, default=10, help="the first has half of all sessions")
    parser.add_argument("--days", type=int, default=365, help="how long ago the first session was")
    parser.add_argument("--writers", type=int, default=2, help="connections that write at once")
    parser.add_argument("--more", action="store_true", help="also set-aside deliveries, lookups, messages, attempts")
    arguments = parser.parse_args()
    began = time.monotonic()
    with psycopg.connect(arguments.database_url, autocommit=True) as connection:
        if connection.execute("SELECT 1 FROM rollcall.deliveries LIMIT 1").fetchone():
            raise SystemExit("The database has deliveries already: populate an empty one.")
        indexes = connection.execute(SECONDARY_INDEXES).fetchall()
        for name, _ in indexes:
            connection.execute(f"DROP INDEX {name}".encode())
        _fill(arguments)
        _tell(began, "rows written, creating the indexes")
        connection.execute("SET maintenance_work_mem = '1GB'")
        for _, definition in indexes:
            connection.execute(definition.encode())
        connection.execute("VACUUM (ANALYZE)")
        tables = {
            table: {"rows": _count(connection, table), "mib": int(mib)} for table, mib in connection.execute(SIZES)
        }
    print(json.dumps({"benchmark": "populate", "seconds": round(time.monotonic() - began), "tables": tables}))


def _fill(arguments: argparse.Namespace) -> None:
    """Write all chunks, oldest first, `writers` at a time."""
    began = time.monotonic()
    settings = {
        "sessions": arguments.sessions,
        "organizations": arguments.organizations,
        "days": arguments.days,
        "repeats": REPEATS,
    }

    def write(first: int) -> None:
        last = min(first + CHUNK - 1, arguments.sessions)
        with psycopg.connect(arguments.database_url) as connection:
            connection.execute("SET LOCAL synchronous_commit = off")
            connection.execute("SET LOCAL work_mem = '64MB'")
            connection.execute("SET LOCAL temp_buffers = '128MB'")
            for name, value in {**settings, "first": first, "last": last}.items():
                connection.execute("SELECT set_config(%s, %s, true)", (f"populate.{name}", str(value)))
            connection.execute(CHUNK_SQL.encode())
            if arguments.more:
                connection.execute(MORE_SQL.encode())
        if last % (CHUNK * 10) == 0:
            _tell(began, f"{last} of {arguments.sessions} sessions")

    with ThreadPoolExecutor(arguments.writers) as writers:
        for _ in writers.map(write, range(1, arguments.sessions + 1, CHUNK)):
            pass


def _count(connection: psycopg.Connection, table: str) -> int:
    row = connection.execute(f"SELECT count(*) FROM rollcall.{table}".encode()).fetchone()
    return int(row[0]) if row else 0


def _tell(began: float, what: str) -> None:
    print(f"{time.monotonic() - began:6.0f} s  {what}", flush=True)


if __name__ == "__main__":
    main()
