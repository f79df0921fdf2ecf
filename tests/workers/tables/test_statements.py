"""The statements that bring a batch into the tables, as they are written from what `workers.rules` declares."""

from pathlib import Path

import pytest
from psycopg import _queries

from workers.tables import statements

# To be read. Written anew by `python -m tests.workers.tables.test_statements`, from the root of the project.
SNAPSHOT = Path(__file__).with_name("statements.sql")
STATEMENTS = {name: text.strip() for name, text in vars(statements).items() if isinstance(text, str) and "%b::" in text}


def as_file() -> str:
    return "\n\n\n".join(f"-- {name}\n{text};" for name, text in STATEMENTS.items()) + "\n"


def test_the_statements_are_those_of_the_file() -> None:
    assert as_file() == SNAPSHOT.read_text(encoding="utf-8")


@pytest.mark.parametrize("name", STATEMENTS)
def test_psycopg_remembers_the_statement_instead_of_parsing_it_for_every_batch(name: str) -> None:
    assert len(STATEMENTS[name]) <= _queries.MAX_CACHED_STATEMENT_LENGTH
    assert STATEMENTS[name].count("%b") <= _queries.MAX_CACHED_STATEMENT_PARAMS


if __name__ == "__main__":
    SNAPSHOT.write_text(as_file(), encoding="utf-8")
