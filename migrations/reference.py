"""The table reference, docs/tables.md: made of the models and of the views as the database has them.

    python -m migrations.reference --check     fails when docs/tables.md is not what this makes
    python -m migrations.reference             writes it anew

The views' columns are asked of a database with all migrations applied (`DATABASE_URL`, else the embedded Postgres).
"""

import argparse
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import psycopg
from sqlalchemy import Column, Table
from sqlalchemy.dialects import postgresql

from runtime.addresses import database_url
from runtime.environment import read_environment
from workers.tables.models import OF_VIEWS, Base, Holding

PAGE = Path(__file__).parent.parent / "docs" / "tables.md"

HEAD = """\
# Tables and views

All of them are in the schema `rollcall`. Times are `timestamptz`, the vendor's ids are `text`. This page is generated
from the models and the migrations: `python -m migrations.reference` writes it, a test fails when it is stale. What one
does with them: [analytics.md](analytics.md).

"Of a person" says what a column holds that is about someone: `peer` (the vendor's id of one connection), `id` (the
person's id in your own app), `name`, `text` (free text, which may name anyone), `link` (whoever has it can open what
people said), `payload` (what the vendor sent, with all of these in it). An empty cell means nothing of the kind.

Columns "of the merge" are the workers' own and may change with any version. `<name>_by` is the delivery that the value
is from, where the one received last wins; `stated_…` times come from a payload, `noticed_…` times are the arrival of an
event that states none.
"""

_MARKS = {holding: "" if holding is Holding.NOTHING else holding.value for holding in Holding}

# The merge's own columns, by how they are named; the ones below are, and have other names.
_MERGE_PREFIXES = ("stated_", "noticed_")
_MERGE_SUFFIX = "_by"
_MERGE_NAMES = {("participants", "last_joined_at"), ("participants", "last_left_at"), ("deliveries", "subject_id")}

VIEWS: Mapping[str, tuple[str, Mapping[str, str]]] = {
    "session_summary": (
        "One row a session: what it amounts to.",
        {
            "duration_seconds": "End minus start; of a live session up to now. 0 where the start is not known.",
            "people": "Persons, by `custom_participant_id`, else `peer_id`.",
            "connections": "Rows of `participants`.",
            "peak_concurrency": "The most connections at once.",
            "participant_minutes": "The connections' lengths added up, as the vendor bills.",
            "recording_minutes": "The recordings' lengths added up, pauses included.",
        },
    ),
    "attendance": (
        "One row a person and session.",
        {
            "person": "`custom_participant_id`, else `peer_id`.",
            "display_name": "The name received last.",
            "last_left_at": "Null while one of the person's connections is open.",
            "connections": "Rows of `participants`.",
            "attended_seconds": "The time with at least one connection: two devices at once count once.",
        },
    ),
    "concurrency": (
        "One row a moment at which the number of present connections changes.",
        {"present": "How many are there from then on."},
    ),
    "daily_usage": (
        "One row an organization and day.",
        {
            "day": "UTC. A session counts whole on the day on which it started; null where its start is not known.",
            "session_minutes": "The sessions' lengths added up.",
            "participant_minutes": "The connections' lengths added up.",
            "recordings_count": "Recordings of these sessions, whatever became of them.",
            "recording_minutes": "The recordings' lengths added up, pauses included.",
        },
    ),
}

VIEW_COLUMNS = """
SELECT table_name, column_name, data_type FROM information_schema.columns
WHERE table_schema = 'rollcall' AND table_name = ANY (%s) ORDER BY ordinal_position
"""


class ViewColumn(NamedTuple):
    """A column of a view as the database has it."""

    view: str
    name: str
    type: str


def reference(view_columns: Sequence[ViewColumn]) -> str:
    """Return the page, as Markdown."""
    return "\n".join([HEAD, *_tables(), *_views(view_columns)])


def view_columns(connection: psycopg.Connection[Any]) -> list[ViewColumn]:
    """Return the columns of the promised views, in their order."""
    return [ViewColumn(*row) for row in connection.execute(VIEW_COLUMNS, [list(VIEWS)])]


def _tables() -> Iterator[str]:
    meanings = {mapper.local_table: mapper.class_.__doc__ or "" for mapper in Base.registry.mappers}
    for table in Base.metadata.tables.values():
        yield f"## {table.name}\n"
        yield f"{meanings[table].strip()}\n"
        ours = [column for column in table.columns if not _is_of_the_merge(column)]
        yield from _listing(_described(column, table) for column in ours)
        rest = [column.name for column in table.columns if _is_of_the_merge(column)]
        if rest:
            yield f"Of the merge: {', '.join(f'`{name}`' for name in rest)}.\n"
        indexes = sorted(_index_line(index.name, index.expressions) for index in table.indexes)
        if indexes:
            yield f"Indexed besides the key: {'; '.join(indexes)}.\n"


def _views(columns: Sequence[ViewColumn]) -> Iterator[str]:
    for view, (meaning, notes) in VIEWS.items():
        yield f"## {view} (view)\n"
        yield f"{meaning}\n"
        yield from _listing(
            (
                column.name,
                _short(column.type),
                OF_VIEWS[view].get(column.name, Holding.NOTHING),
                notes.get(column.name, ""),
            )
            for column in columns
            if column.view == view
        )


def _listing(rows: Iterator[tuple[str, str, Holding, str]]) -> Iterator[str]:
    yield "| column | type | of a person | |\n|---|---|---|---|"
    for name, type_, holding, note in rows:
        yield f"| `{name}` | {type_} | {_MARKS[holding]} | {note} |"
    yield ""


def _described(column: Column[Any], table: Table) -> tuple[str, str, Holding, str]:
    type_ = _short(column.type.compile(dialect=postgresql.dialect()).lower())  # type: ignore[no-untyped-call]  # theirs
    notes = [note for note in (column.doc, "Key." if column in set(table.primary_key) else None) if note]
    return column.name, type_, column.info["holding"], " ".join(notes)


def _is_of_the_merge(column: Column[Any]) -> bool:
    return (
        column.name.startswith(_MERGE_PREFIXES)
        or column.name.endswith(_MERGE_SUFFIX)
        or (column.table.name, column.name) in _MERGE_NAMES
    )


def _index_line(name: Any, expressions: Sequence[Any]) -> str:
    columns = ", ".join(" ".join(str(getattr(expression, "name", expression)).split()) for expression in expressions)
    return f"`{name}` ({columns})"


def _short(type_: str) -> str:
    return type_.replace("timestamp with time zone", "timestamptz")


def main() -> None:
    """Write the page, or with --check only compare it; exit code 1 when it is stale."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--check", action="store_true", help="write nothing, fail when the page is stale")
    check = parser.parse_args().check
    with psycopg.connect(database_url(read_environment())) as connection:
        page = reference(view_columns(connection))
    if not check:
        PAGE.write_text(page, encoding="utf-8")
    elif PAGE.read_text(encoding="utf-8") != page:
        sys.exit("docs/tables.md is stale: write it anew with `python -m migrations.reference`.")


if __name__ == "__main__":
    main()
