"""The servers of a run: a private Postgres and, if a RabbitMQ answers, a private virtual host in it.

Postgres is the embedded one of `make run`, durable as in production. Its data is cached, because a ledger of millions
of rows takes minutes to create.
"""

import hashlib
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Literal
from urllib.parse import urlsplit

import pika
import psycopg
from pika.exceptions import AMQPError

from benchmarks.events import CACHE
from console.embedded.server import EmbeddedPostgres
from migrations.apply import migrate_database

DEFAULT_RABBITMQ_URL = "amqp://guest:guest@127.0.0.1:5672"
# Private to this checkout: another one's benchmarks may run at the same time.
_VHOST = f"rollcall-benchmarks-{hashlib.sha256(os.fsencode(CACHE)).hexdigest()[:8]}"
_VACUUMING = "SELECT 1 FROM pg_stat_activity WHERE backend_type = 'autovacuum worker'"
# The launcher notices a change a moment later.
_IDLE_LOOKS = 5
# Makes the server record when a row was committed, to the microsecond.
_SETTINGS = {"track_commit_timestamp": "on"}


@dataclass(frozen=True, slots=True)
class Ground:
    """The servers of a run.

    Attributes:
        postgres: private to the benchmarks.
        rabbitmq_url: a private virtual host; None if no RabbitMQ answers.
    """

    postgres: EmbeddedPostgres
    rabbitmq_url: str | None

    @property
    def queues(self) -> list[str]:
        """The names of the queues that can be measured."""
        return ["postgres", "rabbitmq"] if self.rabbitmq_url else ["postgres"]

    @contextmanager
    def database(self, name: str) -> Iterator[str]:
        """Yield the URL of a database with all tables and no rows, dropped at the end of the context."""
        url = self._new_database(name)
        yield url
        self._execute(f'DROP DATABASE "{name}" WITH (FORCE)')

    def ledger(self, sessions: int) -> str:
        """Return the URL of a database with the rows of that many sessions, created once and kept."""
        return self._kept(f"ledger_{sessions}", sessions)

    def filled(self, database_url: str | None, sessions: int) -> str:
        """Return the URL of a database with all that the console shows of that many sessions.

        Args:
            database_url: this one, which is migrated, and filled if it has no deliveries; None: one that is kept.
            sessions: how many.
        """
        if database_url is None:
            return self._kept(f"console_{sessions}", sessions, "--more")
        migrate_database(database_url)
        with psycopg.connect(database_url) as connection:
            is_empty = connection.execute("SELECT FROM rollcall.deliveries LIMIT 1").fetchone() is None
        if is_empty:
            _populate(database_url, sessions, "--more")
        return database_url

    def _kept(self, name: str, sessions: int, *more: str) -> str:
        with psycopg.connect(self.postgres.url("postgres"), autocommit=True) as connection:
            found = connection.execute("SELECT FROM pg_database WHERE datname = %s", [name]).fetchone()
        if found is None:
            # Under another name until it is complete.
            url = self._new_database("ledger_unfinished")
            _populate(url, sessions, *more)
            self._execute(f"ALTER DATABASE ledger_unfinished RENAME TO {name}")
        migrate_database(self.postgres.url(name))
        return self.postgres.url(name)

    def autovacuum(self, state: Literal["on", "off"]) -> None:
        """Turn autovacuum on or off; returns once none has been running for a while."""
        self._execute(f"ALTER SYSTEM SET autovacuum TO {state}")
        self._execute("SELECT pg_reload_conf()")
        with psycopg.connect(self.postgres.url("postgres"), autocommit=True) as connection:
            idle_looks = 0
            while idle_looks < _IDLE_LOOKS:
                time.sleep(0.1)
                idle_looks = 0 if connection.execute(_VACUUMING).fetchone() else idle_looks + 1

    def _new_database(self, name: str) -> str:
        self._execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')
        self._execute(f'CREATE DATABASE "{name}"')
        url = self.postgres.url(name)
        migrate_database(url)
        return url

    def _execute(self, statement: str) -> None:
        with psycopg.connect(self.postgres.url("postgres"), autocommit=True) as connection:
            connection.execute(statement.encode())


def _populate(url: str, sessions: int, *more: str) -> None:
    command = [sys.executable, "-m", "benchmarks.populate", "--database-url", url, "--sessions", str(sessions), *more]
    subprocess.run(command, check=True, stdout=sys.stderr, cwd=CACHE.parent.parent)


@contextmanager
def ground() -> Iterator[Ground]:
    """Start the servers of a run; they stop with the context."""
    postgres = EmbeddedPostgres(CACHE / "postgres", _SETTINGS)
    postgres.start()
    try:
        with _rabbitmq() as rabbitmq_url:
            stood_on = Ground(postgres, rabbitmq_url)
            stood_on.autovacuum("on")  # a killed run may have left it off
            yield stood_on
    finally:
        postgres.stop()


@contextmanager
def _rabbitmq() -> Iterator[str | None]:
    url = os.environ.get("RABBITMQ_URL", DEFAULT_RABBITMQ_URL)
    try:
        pika.BlockingConnection(pika.URLParameters(url)).close()
    except (AMQPError, OSError):
        print("No RabbitMQ answers at RABBITMQ_URL: measuring Postgres as the queue alone.", file=sys.stderr)
        yield None
        return
    parts = urlsplit(url)
    _rabbitmqctl("delete_vhost", _VHOST)
    is_made = _rabbitmqctl("add_vhost", _VHOST)
    if not (is_made and _rabbitmqctl("set_permissions", "-p", _VHOST, parts.username or "guest", ".*", ".*", ".*")):
        yield url
        return
    try:
        yield parts._replace(path=f"/{_VHOST}").geturl()
    finally:
        _rabbitmqctl("delete_vhost", _VHOST)


def _rabbitmqctl(*arguments: str) -> bool:
    if shutil.which("rabbitmqctl") is None:
        return False
    command = ["rabbitmqctl", "-q", *arguments]
    return subprocess.run(command, capture_output=True, check=False, timeout=60).returncode == 0
