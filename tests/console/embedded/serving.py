"""Embedded servers of tests, started here or by a process that can be killed."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg

from console.embedded.server import EmbeddedPostgres

# Starts a server, says so, and waits to be killed.
HOLDER = """
import sys, time
from pathlib import Path
from console.embedded.server import EmbeddedPostgres
server = EmbeddedPostgres(Path(sys.argv[1]), {"fsync": "off"})
server.start()
print(server.pid, flush=True)
time.sleep(600)
"""


@contextmanager
def started(directory: Path) -> Iterator[EmbeddedPostgres]:
    # No test cuts the power: without waiting for the disk each is done in half the time.
    server = EmbeddedPostgres(directory, {"fsync": "off"})
    server.start()
    try:
        yield server
    finally:
        server.stop()


@contextmanager
def started_by_another_process(directory: Path) -> Iterator[tuple[subprocess.Popen[str], int]]:
    with subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(directory)], stdout=subprocess.PIPE, text=True, env={**os.environ}
    ) as holder:
        try:
            assert holder.stdout is not None
            yield holder, int(holder.stdout.readline())
        finally:
            holder.kill()


def keep_a_row(server: EmbeddedPostgres) -> None:
    with psycopg.connect(server.url()) as connection:
        connection.execute("CREATE TABLE kept (what text)")
        connection.execute("INSERT INTO kept VALUES ('this')")


def kept_rows(server: EmbeddedPostgres) -> list[tuple[str]]:
    with psycopg.connect(server.url()) as connection:
        return connection.execute("SELECT what FROM kept").fetchall()
