"""A synchronous standby of a Postgres, and its promotion."""

import shutil
from pathlib import Path
from urllib.parse import quote

import psycopg

from benchmarks.chaos.waiting import wait_until
from console.embedded.place import choose_place
from console.embedded.server import EmbeddedPostgres

# Of a server that has a standby, which may need what was written while the server was killed and started again.
REPLICATED = {"wal_level": "replica", "max_wal_senders": "4", "wal_keep_size": "1GB"}

_SECONDS = 120.0


def copy_server(primary: EmbeddedPostgres, directory: Path) -> None:
    """Make in a directory what a standby of a running primary starts from; what lay there goes.

    Raises:
        RuntimeError: it can't be copied.
    """
    place = choose_place(directory)
    shutil.rmtree(place.data, ignore_errors=True)
    place.data.mkdir(mode=0o700)
    place.account.own(place.data)
    assert primary.place is not None
    source = f"host={primary.place.data} user=rollcall application_name=standby"
    copied = place.account.run(
        [place.programs / "pg_basebackup", "-R", "--checkpoint=fast", "-D", place.data, "-d", source]
    )
    if copied.returncode:
        raise RuntimeError(copied.stderr)


def wait_for_standby(primary: EmbeddedPostgres) -> None:
    """From now on answer a commit on the primary only once its standby has it.

    Raises:
        benchmarks.chaos.waiting.NeverCameError: no standby follows.
    """
    with psycopg.connect(primary.url(), autocommit=True) as connection:

        def is_synchronous() -> bool:
            state = connection.execute("SELECT sync_state FROM pg_stat_replication").fetchone()
            return state in {("sync",), ("quorum",)}

        connection.execute("ALTER SYSTEM SET synchronous_standby_names = '*'")
        connection.execute("SELECT pg_reload_conf()")
        wait_until(is_synchronous, "the standby follows", _SECONDS)


def promote(standby: EmbeddedPostgres) -> None:
    """Make the standby the primary.

    Raises:
        RuntimeError: it does not become one.
    """
    with psycopg.connect(standby.url(), autocommit=True) as connection:
        if connection.execute("SELECT pg_promote()").fetchone() != (True,):
            raise RuntimeError("The standby does not become the primary.")


def url_of_both(one: EmbeddedPostgres, two: EmbeddedPostgres) -> str:
    """Return a URL of two servers that leads to the one that takes writes."""
    hosts = [quote(str(server.place.data), safe="/") for server in (one, two) if server.place is not None]
    return f"postgresql://rollcall@/rollcall?host={','.join(hosts)}&target_session_attrs=read-write"
