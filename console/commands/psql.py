"""`rollcall psql`: the database in psql, without its password in the process list."""

import os
import shutil
import signal
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated

import psycopg
import typer
from psycopg.conninfo import conninfo_to_dict

from console.failure import CommandFailedError
from console.queries.tables import told_clearly
from runtime.addresses import database_url
from runtime.environment import read_environment

# `-h` is passed to psql, like all options but `--help`.
ARGUMENTS_PASS = {"help_option_names": ["--help"], "ignore_unknown_options": True}

_CONNECT_SECONDS = 5
_SERVICE = "rollcall"


def psql(
    arguments: Annotated[
        list[str] | None, typer.Argument(metavar="[ARGUMENTS]...", help="Passed to psql.", show_default=False)
    ] = None,
) -> None:
    """Open the database in psql, without exposing DATABASE_URL to other users of this machine.

    Arguments are passed to psql: rollcall psql -c 'SELECT * FROM rollcall.session_summary'.
    """
    program = shutil.which("psql")
    if program is None:
        raise CommandFailedError(
            "psql is not on the PATH: install Postgres's client (Debian and Ubuntu: postgresql-client; "
            "macOS: brew install libpq), then retry."
        )
    environment = psql_environment(database_url(read_environment()), os.environ)
    sys.stdout.flush()
    # Python ignores it, and psql would inherit that: a closed pipe must end psql.
    signal.signal(signal.SIGPIPE, signal.SIG_DFL)
    os.execve(program, ["psql", *(arguments or [])], environment)  # noqa: S606 - no shell needed


def psql_environment(url: str, environment: Mapping[str, str]) -> dict[str, str]:
    """Return the environment in which libpq's programs connect to `url`.

    It connects first: psql's error for a bad URL may quote a password, and only libpq knows how a URL, a service file
    and the environment combine.

    Raises:
        SettingError: Postgres does not support an option of the URL.
        DatabaseAwayError: the database does not answer.
    """
    stated = conninfo_to_dict(url)
    patience = {} if "connect_timeout" in stated else {"connect_timeout": _CONNECT_SECONDS}
    with told_clearly(url), psycopg.connect(url, **patience) as connection:  # type: ignore[arg-type]  # libpq's
        options = connection.pgconn.info
    result = dict(environment)
    for option in options:
        if option.envvar is not None:
            result.pop(option.envvar.decode(), None)
    without_variable: dict[str, str] = {}
    for option in options:
        name = option.keyword.decode()
        if option.val is None or option.val == option.compiled or name == "service" or name in patience:
            continue
        value = os.fsdecode(option.val)
        if option.envvar is None:
            without_variable[name] = value
        else:
            result[option.envvar.decode()] = value
    if without_variable:
        result |= {"PGSERVICE": _SERVICE, "PGSERVICEFILE": _service_file(without_variable)}
    return result


def _service_file(options: Mapping[str, str]) -> str:
    """Return the path of an anonymous file, private to this process and inherited across exec."""
    # Not closed: psql reads it, and it disappears with psql.
    descriptor, path = tempfile.mkstemp()
    Path(path).unlink()
    lines = [f"[{_SERVICE}]", *(f"{name}={value}" for name, value in options.items())]
    os.write(descriptor, os.fsencode("\n".join(lines) + "\n"))
    os.lseek(descriptor, 0, os.SEEK_SET)
    os.set_inheritable(descriptor, True)  # noqa: FBT003 - named by the function
    return f"/dev/fd/{descriptor}"
