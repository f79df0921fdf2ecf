"""docs/tables.md matches the models and the views."""

import psycopg

from migrations.reference import PAGE, VIEWS, reference, view_columns


def test_the_reference_is_not_stale(database_url: str) -> None:
    with psycopg.connect(database_url) as connection:
        columns = view_columns(connection)
    assert PAGE.read_text(encoding="utf-8") == reference(columns), "write it: python -m migrations.reference"


def test_what_is_said_of_a_view_is_said_of_columns_that_it_has(database_url: str) -> None:
    with psycopg.connect(database_url) as connection:
        columns = {(column.view, column.name) for column in view_columns(connection)}
    assert {(view, name) for view, (_, notes) in VIEWS.items() for name in notes} <= columns
