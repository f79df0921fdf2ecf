"""Every odd kind of database, role, pooler, environment and file system at once: the tables are as on a plain one."""

import json
import os
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import quote

import psycopg
import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict, make_conninfo
from psycopg.rows import dict_row

from console.embedded.server import EmbeddedPostgres
from tests.lesson import BEN_NAME, PAYLOADS, SESSION
from tests.operations.test_least_rights import statements_of_the_docs
from tests.operations.test_read_only_system import READ_ONLY
from tests.pgbouncer import pgbouncer
from tests.processes import System
from tests.receiver.key_server import KeyServer, run_key_server
from tests.receiver.running import public_pem, wait_until

PASSWORD = "pa ss#[]@:/?&=%zz+'\";,é\\ word"
DATABASE = "odd"
BODIES = [
    (dialect, file.read_bytes())
    for dialect in ("dyte", "realtimekit")
    for file in sorted((PAYLOADS / dialect).glob("*.json"))
]
# What the administrator of a database and the one of its roles may have set for people's queries.
OF_THE_DATABASE = {"datestyle": "German, DMY", "search_path": "public, pg_catalog"}
OF_THE_ROLE = {
    "client_encoding": "LATIN1",
    "timezone": "Asia/Kolkata",
    "bytea_output": "escape",
    "intervalstyle": "iso_8601",
    "statement_timeout": "250ms",
    "lock_timeout": "150ms",
    "default_transaction_read_only": "on",
}
ENVIRONMENT = {
    "PGCLIENTENCODING": "LATIN1",
    "PGDATESTYLE": "German, DMY",
    "PGTZ": "America/Caracas",
    "ALL_PROXY": "socks5h://127.0.0.1:1",
    "NO_PROXY": "fd00::/8",
    "SSL_CERT_FILE": "/gone/authority.pem",
    "HOST": "::",
    "LANG": "C",
    "LC_ALL": "C",
    "PYTHONUTF8": "0",
    "PYTHONCOERCECLOCALE": "0",
}
TABLES = "SELECT tablename FROM pg_tables WHERE schemaname = 'rollcall' AND tablename <> 'alembic_version' ORDER BY 1"
# When and how often a worker looked at something, not what became of it.
OF_A_RUN = {"processed_at", "marks"}
WAITED_LONG = """
    SELECT count(*) > 0 FROM pg_stat_activity
    WHERE wait_event_type = 'Lock' AND usename = 'rollcall_owner' AND clock_timestamp() - query_start > interval '1 s'
"""


@pytest.fixture
def odd_server(reachable_folder: Path) -> Iterator[EmbeddedPostgres]:
    """A server that asks for passwords: its path is too long for a socket."""
    settings = {"fsync": "off", "full_page_writes": "off", "shared_buffers": "32MB", "wal_level": "logical"}
    server = EmbeddedPostgres(reachable_folder / ("long" * 25) / "postgres", settings)
    server.start()
    yield server
    server.stop()


@pytest.fixture
def administrator(odd_server: EmbeddedPostgres) -> Iterator[psycopg.Connection[Any]]:
    """Connected to the odd database, which holds nothing yet but what its administrator has made."""
    made = statements_of_the_docs()[0].encode()
    with psycopg.connect(odd_server.url("postgres"), autocommit=True) as server:
        server.execute(f"CREATE DATABASE {DATABASE}".encode())
        server.execute(f"REVOKE ALL ON DATABASE {DATABASE} FROM PUBLIC".encode())
    with psycopg.connect(odd_server.url(DATABASE), autocommit=True) as connection:
        connection.execute("REVOKE ALL ON SCHEMA public FROM PUBLIC")
        connection.execute(made)
        connection.execute(f"GRANT CONNECT ON DATABASE {DATABASE} TO rollcall_owner".encode())
        connection.execute(sql.SQL("ALTER ROLE rollcall_owner PASSWORD {}").format(PASSWORD))
        connection.execute("CREATE PUBLICATION everything FOR ALL TABLES")
        for name, value in OF_THE_DATABASE.items():
            connection.execute(f"ALTER DATABASE {DATABASE} SET {name} = {value}".encode())
        for name, value in OF_THE_ROLE.items():
            connection.execute(f"ALTER ROLE rollcall_owner SET {name} = '{value}'".encode())
        yield connection


def url_of_several_hosts(server: EmbeddedPostgres) -> str:
    """A URL whose first server is away."""
    port = conninfo_to_dict(server.url())["port"]
    return f"postgresql://rollcall_owner:{quote(PASSWORD, safe='')}@127.0.0.1:1,127.0.0.1:{port}/{DATABASE}"


def pairs(server: EmbeddedPostgres) -> str:
    """The database as `key=value` pairs."""
    port = conninfo_to_dict(server.url())["port"]
    return make_conninfo(host="127.0.0.1", port=port, user="rollcall_owner", password=PASSWORD, dbname=DATABASE)


@pytest.fixture(params=["several-hosts", "pairs", pytest.param("pooled", marks=pytest.mark.rabbitmq)])
def odd_urls(
    request: pytest.FixtureRequest,
    odd_server: EmbeddedPostgres,
    administrator: psycopg.Connection[Any],
    reachable_folder: Path,
) -> Iterator[dict[str, str]]:
    """Both settings that are URLs: the queue is in the database, but where that is behind a pooler."""
    del administrator
    if request.param == "several-hosts":
        yield {"DATABASE_URL": url_of_several_hosts(odd_server)}
    elif request.param == "pairs":
        yield {"DATABASE_URL": pairs(odd_server)}
    else:
        broker_url = str(request.getfixturevalue("rabbitmq_url"))
        with pgbouncer(odd_server, pairs(odd_server), reachable_folder) as url:
            yield {"DATABASE_URL": url, "BROKER_URL": broker_url}


@pytest.fixture
def key() -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


@pytest.fixture
def key_server(key: rsa.RSAPrivateKey) -> Iterator[KeyServer]:
    with run_key_server() as server:
        server.serve_key(public_pem(key))
        yield server


@contextmanager
def running(system: System) -> Iterator[System]:
    """Run a receiver and a worker for the block."""
    with ExitStack() as ending:
        for module in ("receiver", "workers"):
            process = system.start(module)
            ending.callback(process.wait, 60)
            ending.callback(process.terminate)
        wait_until(system.is_ready, "the receiver is ready", seconds=120)
        yield system


def post_all(system: System) -> None:
    for number, (dialect, body) in enumerate(BODIES, start=1):
        assert system.post(body, dialect, f"delivery-{number}").status == 200


def tables(connection: psycopg.Connection[Any]) -> dict[str, list[str]]:
    """Return all rows of all tables; for the ids and times that a receiver gave, the number of the delivery."""
    connection.execute("SET timezone = 'UTC'")
    connection.execute("SET client_encoding = 'UTF8'")
    cursor = connection.cursor(row_factory=dict_row)
    given: dict[Any, str] = {}
    for number, row in enumerate(
        cursor.execute("SELECT id, received_at FROM rollcall.deliveries ORDER BY id"), start=1
    ):
        given |= {row["id"]: f"id {number}", row["received_at"]: f"received {number}"}
    names = [str(row["tablename"]) for row in cursor.execute(TABLES)]
    return {
        name: sorted(
            json.dumps(
                {
                    column: given.get(value, value) if value.__hash__ else value
                    for column, value in row.items()
                    if column not in OF_A_RUN
                },
                default=str,
                ensure_ascii=False,
            )
            for row in cursor.execute(sql.SQL("SELECT * FROM rollcall.{}").format(sql.Identifier(name))).fetchall()
        )
        for name in names
        if name not in OF_A_RUN
    }


@pytest.fixture
def plain_tables(tmp_path: Path, database_url: str, key: rsa.RSAPrivateKey) -> dict[str, list[str]]:
    """What the same deliveries make of a database on which nothing is odd."""
    folder = tmp_path / "plain"
    folder.mkdir()
    with running(System(folder, database_url, key, {})) as system:
        post_all(system)
        system.wait_for(len(BODIES))
    with psycopg.connect(database_url) as connection:
        return tables(connection)


def prefix(var: Path) -> Sequence[str]:
    """A file system on which one folder alone can be written to, where we may have one."""
    return (*READ_ONLY, str(var)) if os.geteuid() == 0 else ()


def findings(said: str) -> dict[str, list[str]]:
    """Return what doctor found, by how it is."""
    lines = [line.split(maxsplit=1) for line in said.splitlines()]
    return {health: [rest for other, rest in lines if other == health] for health, _ in lines}


def test_the_tables_are_those_of_a_plain_database(
    tmp_path: Path,
    odd_server: EmbeddedPostgres,
    administrator: psycopg.Connection[Any],
    odd_urls: dict[str, str],
    key: rsa.RSAPrivateKey,
    key_server: KeyServer,
    plain_tables: dict[str, list[str]],
) -> None:
    var = tmp_path / "state"
    var.mkdir()
    folder = tmp_path / "checkout"
    folder.mkdir()
    settings = {
        **ENVIRONMENT,
        **odd_urls,
        "VAR_DIR": str(var),
        "WEBHOOK_PUBLIC_KEYS": "",
        # The second can't be fetched: there is no proxy, and no authority to trust.
        "WEBHOOK_KEY_URLS": f"{key_server.url},https://keys.invalid/",
    }
    if "BROKER_URL" not in odd_urls:  # a pooler takes no options
        settings["PGOPTIONS"] = "-c bytea_output=escape -c intervalstyle=sql_standard"
    system = System(folder, odd_server.url(DATABASE), key, settings, prefix=prefix(var))

    for _ in range(2):
        assert system.rollcall("migrate") == "The database is up to date.\n"
    with running(system):
        with administrator.transaction():
            administrator.execute("LOCK rollcall.sessions IN ACCESS EXCLUSIVE MODE")
            post_all(system)
            # Longer than the role's limits allow.
            wait_until(lambda: administrator.execute(WAITED_LONG).fetchone() == (True,), "a worker waits", seconds=60)
        system.wait_for(len(BODIES))
        assert tables(administrator) == plain_tables
        # It gives up on a part that does not answer in seconds, which a busy machine may not.
        wait_until(lambda: "failed" not in findings(system.rollcall("doctor")), "doctor finds no fault", seconds=60)
        assert any("SSL_CERT_FILE" in said for said in findings(system.rollcall("doctor"))["warning"])

    assert f"Replayed {len(BODIES)} deliveries: {len(BODIES)} processed." in system.rollcall("replay", "--all")
    assert tables(administrator) == plain_tables
    assert SESSION in system.rollcall("sessions")
    assert json.loads(system.rollcall("sessions", "--json"))[0]["session_id"] == SESSION
    assert "participant.joined" in system.rollcall("timeline", SESSION)
    assert BEN_NAME in system.rollcall("export", "participants")
    logs = "".join(system.log(module).read_text(encoding="utf-8") for module in ("receiver", "workers"))
    assert "Traceback" not in logs
    assert PASSWORD not in logs
    assert {path.name for path in folder.iterdir()} == {"receiver.log", "workers.log"}
