"""migrations/views holds each view and function as it is today, so that nobody has to add up migrations to read one."""

from pathlib import Path

import psycopg
import pytest

from migrations import apply

FOLDER = Path(apply.__file__).parent / "views"
FILES = sorted(FOLDER.glob("*.sql"))

DEFINITIONS = """
SELECT relname, pg_get_viewdef(oid), obj_description(oid) FROM pg_class
WHERE relnamespace = 'rollcall'::regnamespace AND relkind = 'v'
UNION ALL
SELECT proname, pg_get_functiondef(oid), obj_description(oid) FROM pg_proc
WHERE pronamespace = 'rollcall'::regnamespace AND prorettype <> 'trigger'::regtype
"""


def definitions(connection: psycopg.Connection[tuple[str, str]]) -> dict[str, str]:
    return {row[0]: row[1] for row in connection.execute(DEFINITIONS)}


def test_every_view_and_function_has_its_file(database_url: str) -> None:
    with psycopg.connect(database_url) as connection:
        assert set(definitions(connection)) == {file.stem for file in FILES}


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_a_file_says_what_the_migrated_database_has(file: Path, database_url: str) -> None:
    with psycopg.connect(database_url) as connection:
        before = definitions(connection)
        connection.execute(file.read_bytes())
        assert definitions(connection) == before


def test_a_file_that_says_something_else_is_noticed(database_url: str) -> None:
    with psycopg.connect(database_url) as connection:
        before = definitions(connection)
        text = (FOLDER / "counted_until.sql").read_text(encoding="utf-8")
        assert "24 hours" in text
        connection.execute(text.replace("24 hours", "25 hours").encode())
        assert definitions(connection) != before
