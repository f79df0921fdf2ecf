"""The data map: every column says what it holds of a person, or that it holds nothing."""

import psycopg

from workers.tables.models import OF_VIEWS, Base, Holding

COLUMNS = {
    (table.name, column.name): column.info.get("holding")
    for table in Base.metadata.tables.values()
    for column in table.columns
}
VIEW_COLUMNS = """
SELECT table_name, column_name FROM information_schema.columns
WHERE table_schema = 'rollcall' AND table_name = ANY (%s)
"""


def test_every_column_says_what_it_holds() -> None:
    assert [place for place, holding in COLUMNS.items() if not isinstance(holding, Holding)] == []


def test_every_table_of_the_schema_is_in_the_map(database_url: str) -> None:
    with psycopg.connect(database_url) as connection:
        there = connection.execute(
            """
            SELECT c.table_name, c.column_name FROM information_schema.columns c
            JOIN information_schema.tables t USING (table_schema, table_name)
            WHERE table_schema = 'rollcall' AND table_type = 'BASE TABLE' AND table_name <> 'alembic_version'
            """
        ).fetchall()
    assert set(there) == set(COLUMNS)


def test_names_titles_links_and_payloads_are_marked() -> None:
    assert {place for place, holding in COLUMNS.items() if holding is Holding.NAME} == {
        ("participants", "display_name"),
        ("roster", "display_name"),
    }
    assert {place for place, holding in COLUMNS.items() if holding is Holding.ID} == {
        ("audit", "address"),
        ("audit", "who"),
        ("participants", "custom_participant_id"),
        ("participants", "user_id"),
        ("roster", "person"),
        ("roster_verdicts", "person"),
    }
    assert {place for place, holding in COLUMNS.items() if holding is Holding.PAYLOAD} == {
        ("deliveries", "payload"),
        ("deliveries", "raw"),
        ("messages", "body"),
        ("observations", "payload"),
        ("observations", "raw"),
        ("timeline", "detail"),
    }
    assert all(holding is Holding.LINK for (_, column), holding in COLUMNS.items() if column.endswith("_url"))
    assert all(holding is Holding.TEXT for (_, column), holding in COLUMNS.items() if column == "title")


def test_a_view_marks_what_the_table_marks(database_url: str) -> None:
    with psycopg.connect(database_url) as connection:
        columns = connection.execute(VIEW_COLUMNS, [list(OF_VIEWS)]).fetchall()
    marked = {column: holding for (_, column), holding in COLUMNS.items() if holding is not Holding.NOTHING}
    assert {view: names.keys() for view, names in OF_VIEWS.items()} == {
        view: {column for of, column in columns if of == view and column in {*marked, "person"}} for view in OF_VIEWS
    }
    assert all(
        holding is marked.get(column, Holding.ID) for names in OF_VIEWS.values() for column, holding in names.items()
    )
