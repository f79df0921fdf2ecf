from concurrent.futures import ThreadPoolExecutor

import psycopg
import pytest
from alembic import command
from alembic.script import ScriptDirectory

from migrations.apply import migrations_config
from tests.console.conftest import Rollcall


def revision_of(url: str) -> str:
    with psycopg.connect(url) as connection:
        row = connection.execute("SELECT version_num FROM rollcall.alembic_version").fetchone()
    assert row is not None
    return str(row[0])


def head() -> str | None:
    return ScriptDirectory.from_config(migrations_config("")).get_current_head()


def test_an_empty_database_gets_all_tables_and_a_second_time_changes_nothing(
    rollcall: Rollcall, empty_database_url: str
) -> None:
    for _ in range(2):
        assert rollcall("migrate", DATABASE_URL=empty_database_url).returncode == 0
        assert revision_of(empty_database_url) == head()


def test_two_who_migrate_at_once_take_turns(rollcall: Rollcall, empty_database_url: str) -> None:
    with ThreadPoolExecutor() as pool:
        both = [pool.submit(rollcall, "migrate", DATABASE_URL=empty_database_url) for _ in range(2)]

    assert [done.result().stderr for done in both] == ["", ""]
    assert revision_of(empty_database_url) == head()


def test_models_and_migrations_agree(database_url: str) -> None:
    command.check(migrations_config(database_url))


def test_a_database_of_a_newer_version_is_told_in_one_line(rollcall: Rollcall, database_url: str) -> None:
    with psycopg.connect(database_url) as connection:
        connection.execute("UPDATE rollcall.alembic_version SET version_num = 'of_the_future'")

    done = rollcall("migrate", DATABASE_URL=database_url)

    assert done.returncode == 1
    assert "of_the_future" in done.stderr
    assert done.stderr.count("\n") == 1


def test_a_role_that_may_not_make_tables_is_told_in_one_line_without_its_password(
    rollcall: Rollcall, empty_database_url: str
) -> None:
    with psycopg.connect(empty_database_url) as connection:
        connection.execute("CREATE ROLE reader_of_tables LOGIN PASSWORD 'hidden'")
    url = empty_database_url.replace("rollcall@", "reader_of_tables:hidden@")

    try:
        done = rollcall("migrate", DATABASE_URL=url)
    finally:
        with psycopg.connect(empty_database_url) as connection:
            connection.execute("DROP ROLE reader_of_tables")

    assert done.returncode == 1
    assert "permission denied" in done.stderr
    assert "hidden" not in done.stderr
    assert done.stderr.count("\n") == 1


@pytest.mark.parametrize("command_name", ["migrate", "url"])
def test_without_a_database_the_way_to_one_is_told(rollcall: Rollcall, command_name: str) -> None:
    done = rollcall(command_name)

    assert done.returncode == 2
    assert "make run" in done.stderr
    assert done.stderr.count("\n") == 1
