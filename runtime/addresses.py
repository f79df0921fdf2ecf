"""The address of the database: `DATABASE_URL`. The queue's address is in `workers.queue.broker_address`.

Anything libpq accepts is accepted, except a URL whose password is not percent-encoded and would be split in the wrong
places: a piece of the password would then show up as a host or a port.
"""

import os
import socket
from collections.abc import Mapping
from typing import Any

import psycopg
from psycopg.conninfo import conninfo_to_dict, make_conninfo
from psycopg.pq import ConnStatus, PGconn

from runtime.own_files import read_own
from runtime.safe_folders import UnsafeFolderError
from runtime.setting import Setting
from runtime.setting_error import SettingError
from runtime.settings import VAR_DIR
from runtime.var_folder import VarFolder

PERCENT_ENCODED = (
    "with special characters in user and password percent-encoded (@ is %40, : is %3A, / is %2F, # is %23, % is %25)"
)
DATABASE_URL_TAKES = f"a Postgres URL such as postgresql://user:password@host:5432/name, {PERCENT_ENCODED}"

_NUMBERS = {
    "connect_timeout",
    "keepalives",
    "keepalives_idle",
    "keepalives_interval",
    "keepalives_count",
    "tcp_user_timeout",
}
_AMQP_SCHEMES = ("amqp://", "amqps://")
_MOST_PORT = 65535


def database_url(environment: Mapping[str, str]) -> str:
    """Return the Postgres URL to use: `DATABASE_URL`, else that of the embedded Postgres that is running here.

    Any form that libpq accepts works, including `host=… dbname=…`.

    Raises:
        SettingError: the URL is not a Postgres URL.
        DatabaseNotSetError: no URL is set and no embedded Postgres is running in this folder.
    """
    set_url = DATABASE_URL.of(environment)
    if set_url is not None:
        return set_url
    try:
        return read_own(VarFolder.of(environment).database_url).decode().strip()
    except FileNotFoundError:
        raise DatabaseNotSetError from None
    except PermissionError:
        raise UnsafeFolderError(
            VAR_DIR.name,
            f"The file database-url in {VAR_DIR.name} can't be read by this user, or is a link or of another user: "
            "run Rollcall as the user that `rollcall run` runs as, or set DATABASE_URL.",
        ) from None


class DatabaseNotSetError(SettingError):
    """`DATABASE_URL` is not set and no embedded Postgres is running in this folder."""

    def __init__(self) -> None:
        Exception.__init__(
            self,
            "DATABASE_URL is not set and no embedded Postgres is running in this folder: "
            "start one with `make run`, or set DATABASE_URL.",
        )
        self.name = "DATABASE_URL"


def is_postgres(url: str) -> bool:
    """Return whether a validated URL is a Postgres URL."""
    return not url.lower().startswith(_AMQP_SCHEMES)


def postgres_url(text: str) -> str:
    """Return a Postgres URL, or another connection string that libpq accepts, unchanged.

    Raises:
        ValueError: libpq rejects it, or would misread a piece of the password. The error has no text.
    """
    if not text:
        raise ValueError
    text = in_utf8(text)
    try:
        options = conninfo_to_dict(text)
    except psycopg.Error:
        raise ValueError from None
    _check_ports(str(options.get("port") or ""), str(options.get("hostaddr") or options.get("host") or ""))
    _check_values(text, options)
    rest = text.partition("://")[2]
    # libpq reads everything before the first `@` as user and password, if no `/` comes earlier.
    user, at, behind = rest.partition("@") if "@" in rest.partition("/")[0] else ("", "", rest)
    if is_torn(user + at, behind.partition("?")[0]):
        raise ValueError
    return text


def in_utf8(text: str) -> str:
    """Return a variable's text decoded as UTF-8, which servers expect; Python decodes it as the locale says."""
    try:
        return os.fsencode(text).decode("utf-8")
    except UnicodeError:
        return text


def _check_ports(ports: str, hosts: str) -> None:
    """Raise a ValueError for what libpq would only reject when it connects."""
    if not ports:
        return
    numbers = ports.split(",")
    if len(numbers) not in {1, hosts.count(",") + 1}:
        raise ValueError
    for number in filter(None, numbers):
        if not number.isascii() or not number.strip().isdigit() or not 1 <= int(number) <= _MOST_PORT:
            raise ValueError


def _check_values(text: str, options: Mapping[str, Any]) -> None:
    """Raise a ValueError where libpq, or the driver, would refuse what an option is set to, once it connects."""
    if not all(str(options[name]).strip().lstrip("-").isdecimal() for name in _NUMBERS & options.keys()):
        raise ValueError
    hosts, addresses = (str(options.get(name) or "") for name in ("host", "hostaddr"))
    if hosts and addresses and hosts.count(",") != addresses.count(","):
        raise ValueError
    with socket.create_server(("127.0.0.1", 0)) as server:
        # Libpq looks at the other values as it begins to connect: to a place of ours, so that nothing goes out.
        here = {"host": "127.0.0.1", "hostaddr": "127.0.0.1", "port": str(server.getsockname()[1])}
        if "service" in options:
            return  # its file may hold anything, also what comes before these
        connection = PGconn.connect_start(make_conninfo(text, **here).encode())
        if connection.status == ConnStatus.BAD:
            raise ValueError
        connection.finish()


def is_torn(user: str, behind: str) -> bool:
    """Return whether the password may extend past where the driver ends it, up to a later `@`.

    Args:
        user: the part that the driver reads as user and password, with the `@`; empty if there is none.
        behind: the rest of the URL.
    """
    before, at, _ = behind.rpartition("@")
    return bool(at) and ":" in user + before


DATABASE_URL: Setting[str | None] = Setting("DATABASE_URL", DATABASE_URL_TAKES, None, postgres_url)
