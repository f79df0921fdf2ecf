"""The embedded Postgres: a private server for this checkout, used if `DATABASE_URL` is not set.

Only the user who started it can connect: the server listens on a socket in its data directory, which no other user can
access. If the path is too long for a socket, it listens on 127.0.0.1 with a password.
"""

import os
import signal
import socket
import subprocess
import time
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import quote

import psycopg

from console.embedded.data import ROLE, make_data, require_version
from console.embedded.leftovers import stop_leftovers
from console.embedded.place import Place, choose_place
from console.embedded.settings import SERVER_SETTINGS
from console.failure import CommandFailedError
from console.running.exclusive import ExclusiveFile

DATABASE = "rollcall"

# The longest socket path: 103 bytes on macOS, 107 on Linux. Use the lower for both.
_LONGEST_SOCKET_PATH = 103
_SOCKET_PORT = 5432
_SOCKET_NAME = f".s.PGSQL.{_SOCKET_PORT}"
_LOOPBACK = "127.0.0.1"
# A free port can be taken by another program in the moment before the server takes it.
_PORT_TRIES = 5
# After a crash a server first replays up to `max_wal_size` of WAL.
_START_SECONDS = 600.0
_STOP_SECONDS = 60.0
_ABORT_SECONDS = 10.0
_POLL_SECONDS = 0.02


class EmbeddedPostgres:
    """A Postgres server with its data under one directory, as a child of this process.

    Attributes:
        place: where its files are; None before the first start.
    """

    def __init__(self, directory: Path, settings: Mapping[str, str] | None = None) -> None:
        """Describe a server; `start` starts it.

        Args:
            directory: contains the data, the log and the lock; created at the first start.
            settings: Postgres settings that override those of `postgres_settings`.
        """
        self.place: Place | None = None
        self._directory = directory
        self._settings = {**SERVER_SETTINGS, **(settings or {})}
        self._lock: ExclusiveFile | None = None
        self._process: subprocess.Popen[bytes] | None = None
        self._tcp_port: int | None = None

    @property
    def pid(self) -> int:
        """The server's process id."""
        return self._running().pid

    def url(self, database: str = DATABASE) -> str:
        """Return the URL of a database on the running server; for TCP it contains the password."""
        self._running()
        place = self._placed()
        if self._tcp_port is None:
            return f"postgresql://{ROLE}@/{quote(database)}?host={quote(str(place.data), safe='/')}"
        password = place.password.read_text(encoding="ascii")
        return f"postgresql://{ROLE}:{password}@{_LOOPBACK}:{self._tcp_port}/{quote(database)}"

    def start(self) -> None:
        """Start the server and return once it accepts connections; the first time with an empty database.

        First cleans up after a crash: stops an orphaned server, and recreates an incomplete data directory.

        Raises:
            HeldElsewhereError: another process is running this server.
            CommandFailedError: it can't be started; the message gives the reason and says what to do.
        """
        place = self.place = choose_place(self._directory)
        self._lock = ExclusiveFile(place.folder / "lock")
        try:
            require_version(place)
            if not place.data.exists():
                make_data(place, synced=self._settings["fsync"] == "on")
            stop_leftovers(place.data)
            _set_last_log_aside(place)
            self._launch(place)
            self._make_database()
        except BaseException:
            self.stop()
            raise

    def stop(self) -> None:
        """Stop the server: connections are closed, committed data is kept. Does nothing if it is not running."""
        try:
            if self._process is not None:
                _stop(self._process)
        finally:
            self._process = None
            if self._lock is not None:
                self._lock.release()
                self._lock = None

    def _launch(self, place: Place) -> None:
        fits_socket = len(os.fsencode(place.data / _SOCKET_NAME)) <= _LONGEST_SOCKET_PATH
        for _ in range(1 if fits_socket else _PORT_TRIES):
            self._tcp_port = None if fits_socket else _free_port()
            self._process = _spawn(place, {**self._settings, **_listening(place, self._tcp_port)})
            if _wait_until_ready(place, self._process):
                return
        raise CommandFailedError(
            f"The embedded Postgres does not start: {_last_complaint(place.log)} See its log {place.log}."
        )

    def _make_database(self) -> None:
        with psycopg.connect(self.url("postgres"), autocommit=True) as connection:
            there = connection.execute("SELECT FROM pg_database WHERE datname = %s", [DATABASE]).fetchone()
            if there is None:
                connection.execute(f'CREATE DATABASE "{DATABASE}"')

    def _running(self) -> subprocess.Popen[bytes]:
        if self._process is None:
            raise CommandFailedError(f"The embedded Postgres of {self._directory} is not running: start it first.")
        return self._process

    def _placed(self) -> Place:
        if self.place is None:
            raise CommandFailedError(f"The embedded Postgres of {self._directory} was never started: start it first.")
        return self.place


def _set_last_log_aside(place: Place) -> None:
    """Keep only the previous run's log, so that logs do not fill the disk."""
    if place.log.exists():
        place.log.replace(place.log.with_suffix(".log.before"))


def _listening(place: Place, tcp_port: int | None) -> Mapping[str, str]:
    if tcp_port is None:
        return {
            "listen_addresses": "",
            "unix_socket_directories": str(place.data),
            "unix_socket_permissions": "0700",
            "port": str(_SOCKET_PORT),
        }
    return {"listen_addresses": _LOOPBACK, "unix_socket_directories": "", "port": str(tcp_port)}


def _spawn(place: Place, settings: Mapping[str, str]) -> subprocess.Popen[bytes]:
    command = [str(place.programs / "postgres"), "-D", str(place.data)]
    for name, value in settings.items():
        command += ["-c", f"{name}={value}"]
    descriptor = os.open(place.log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    try:
        # A separate session: a terminal's Ctrl-C must not reach the server before its clients.
        return subprocess.Popen(  # noqa: S603 - the wheel's program with settings of this package
            command,
            stdin=subprocess.DEVNULL,
            stdout=descriptor,
            stderr=descriptor,
            start_new_session=True,
            umask=0o077,
            **place.account.process_options(),
        )
    finally:
        os.close(descriptor)


def _wait_until_ready(place: Place, process: subprocess.Popen[bytes]) -> bool:
    """Wait until the server accepts connections; return False if it exited instead."""
    deadline = time.monotonic() + _START_SECONDS
    while process.poll() is None:
        if _reports_ready(place, process.pid):
            return True
        if time.monotonic() > deadline:
            raise CommandFailedError(
                f"The embedded Postgres was not ready after {_START_SECONDS:.0f} s: {_last_complaint(place.log)} "
                f"See its log {place.log}."
            )
        time.sleep(_POLL_SECONDS)
    return False


def _reports_ready(place: Place, pid: int) -> bool:
    """Read the server's lock file: the first line is its process id, the eighth its status."""
    try:
        lines = (place.data / "postmaster.pid").read_text(encoding="utf-8").splitlines()
    except OSError:
        return False
    return len(lines) >= 8 and lines[0].strip() == str(pid) and lines[7].strip() == "ready"  # noqa: PLR2004 - said above


def _stop(process: subprocess.Popen[bytes]) -> None:
    """Request a fast shutdown, then an immediate one, then kill: committed data survives each of them."""
    steps = ((signal.SIGINT, _STOP_SECONDS), (signal.SIGQUIT, _ABORT_SECONDS), (signal.SIGKILL, _ABORT_SECONDS))
    for number, seconds in steps:
        process.send_signal(number)
        try:
            process.wait(seconds)
        except subprocess.TimeoutExpired:
            continue
        return


def _free_port() -> int:
    with socket.create_server((_LOOPBACK, 0)) as probe:
        return int(probe.getsockname()[1])


def _last_complaint(log: Path) -> str:
    """Return the reason in the server's log: its last line of FATAL or above, else its last line."""
    try:
        lines = log.read_text(encoding="utf-8", errors="replace").strip().splitlines()
    except OSError:
        lines = []
    grave = [line for line in lines if "FATAL:" in line or "PANIC:" in line]
    text = (grave or lines or ["it said nothing"])[-1]
    return text if text.endswith(".") else f"{text}."
