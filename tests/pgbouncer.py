"""A pgbouncer in front of a test's database."""

import os
import shutil
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import psycopg
import pytest
from psycopg.conninfo import conninfo_to_dict

from console.embedded.server import EmbeddedPostgres
from tests.workers.queue.deliveries import wait_until


def require_pgbouncer() -> str:
    """Return the program; without it the test is skipped, or under CI=true fails."""
    program = shutil.which("pgbouncer", path=f"{os.environ['PATH']}:/usr/sbin")
    if program is None:
        if os.environ.get("CI") == "true":
            pytest.fail("pgbouncer is not installed (Debian and Ubuntu: apt-get install pgbouncer).")
        pytest.skip("pgbouncer is not installed (Debian and Ubuntu: apt-get install pgbouncer).")
    return program


def quoted(value: object) -> str:
    """Return a value as it stands between quotes in pgbouncer's file."""
    return str(value).replace("'", "''")


@contextmanager
def pgbouncer(server: EmbeddedPostgres, url: str, folder: Path, mode: str = "transaction") -> Iterator[str]:
    """Run one for the block and yield the database's URL through it.

    Args:
        server: of the database.
        url: of the database.
        folder: that the server's account reaches.
        mode: its `pool_mode`.
    """
    program = require_pgbouncer()
    assert server.place is not None
    to = conninfo_to_dict(url)
    password = f" password='{quoted(to['password'])}'" if to.get("password") else ""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    settings = folder / "pgbouncer.ini"
    settings.write_text(
        f"""
[databases]
* = host={to["host"]} port={to.get("port") or 5432} user={to["user"]}{password}
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = {port}
unix_socket_dir =
auth_type = any
pool_mode = {mode}
default_pool_size = 10
""",
        encoding="utf-8",
    )
    settings.chmod(0o644)
    process = subprocess.Popen(
        [program, str(settings)],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        **server.place.account.process_options(),
    )
    pooled = f"postgresql://{to['user']}@127.0.0.1:{port}/{to['dbname']}"

    def answers() -> bool:
        assert process.poll() is None, "pgbouncer has ended"
        with suppress(psycopg.OperationalError), psycopg.connect(pooled) as connection:
            return connection.execute("SELECT true").fetchone() == (True,)
        return False

    try:
        wait_until(answers)
        yield pooled
    finally:
        process.terminate()
        process.wait(30)
