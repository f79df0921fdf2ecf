"""The table reference, docs/tables.md: generated from the models and from the views in the database.

    python -m migrations.reference --check     fails if docs/tables.md is out of date
    python -m migrations.reference             writes the page

The views' columns are read from a database with all migrations applied (`DATABASE_URL`, else the embedded Postgres).
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

All tables and views are in the schema `rollcall`. Times are `timestamptz`, the vendor's ids are `text`.
[analytics.md](analytics.md) shows how to query them. This page is generated from the models and the migrations with
`python -m migrations.reference`; a test fails if it is out of date.

The column "personal data" says what a column holds about people: `peer` (the vendor's id of one connection), `id` (the
person's id in your own app), `name`, `text` (free text, which may name anyone), `link` (anyone who has it can open what
people said), or `payload` (what the vendor sent, which contains all of these). Empty cells mean no personal data.

Internal columns belong to the workers and may change with any version. `<name>_by` is the delivery that a value comes
from, where the last one received wins. `stated_…` times come from a payload; `noticed_…` times are the arrival of an
event without a time; `api_…` times come from the vendor's API.
"""

_MARKS = {holding: "" if holding is Holding.NOTHING else holding.value for holding in Holding}

# Internal columns, by their names; those without such a name are listed below.
_INTERNAL_PREFIXES = ("stated_", "noticed_", "api_started", "api_ended", "api_joined", "api_left")
_INTERNAL_SUFFIX = "_by"
_INTERNAL_NAMES = {
    ("participants", "last_joined_at"),
    ("participants", "last_left_at"),
    ("deliveries", "subject_id"),
    ("sessions", "last_received_at"),
    ("sessions", "live_at"),
    ("sessions", "first_observed_at"),
}
# Tables that are not for people, and a column of those that looks like the merge's own.
_INTERNAL_TABLES = {"marks", "tellings", "endpoint_states", "endpoint_secrets", "roster_verdicts", "vendor_pace"}
_FOR_PEOPLE = {("endpoints", "order_by")}

VIEWS: Mapping[str, tuple[str, Mapping[str, str]]] = {
    "session_summary": (
        "One row per session: its length, people, minutes.",
        {
            "duration_seconds": "End minus start; up to now for a live session. 0 if the start is not known.",
            "people": "Distinct people, by `custom_participant_id`, else `peer_id`.",
            "connections": "Rows of `participants`.",
            "peak_concurrency": "The most connections at the same time.",
            "participant_minutes": "Sum of the connections' lengths, which is how the vendor bills.",
            "recording_minutes": "Sum of the recordings' lengths, pauses included.",
        },
    ),
    "attendance": (
        "One row per person and session.",
        {
            "person": "`custom_participant_id`, else `peer_id`.",
            "display_name": "The last name received.",
            "last_left_at": "Null while any of the person's connections is open.",
            "connections": "Rows of `participants`.",
            "attended_seconds": "Time with at least one connection: two devices at once count once.",
        },
    ),
    "concurrency": (
        "One row per moment at which the number of open connections changes.",
        {"present": "Open connections from this moment on."},
    ),
    "daily_usage": (
        "One row per organization and day.",
        {
            "day": "UTC. A session counts whole on the day on which it started; null if its start is not known.",
            "session_minutes": "Sum of the sessions' lengths.",
            "participant_minutes": "Sum of the connections' lengths.",
            "recordings_count": "Recordings of these sessions, whatever their status.",
            "recording_minutes": "Sum of the recordings' lengths, pauses included.",
        },
    ),
    "capture": (
        "One row per organization and day: how much came by webhooks, of ended sessions that the API was asked about.",
        {
            "day": "UTC, of the session's start.",
            "sessions": "Ended sessions that the API was asked about.",
            "sessions_by_webhook": "Those that any event names.",
            "starts_by_webhook": "Starts that an event states the time of.",
            "ends_by_webhook": "Ends, likewise.",
            "joins": "Connections whose join is known.",
            "joins_by_webhook": "Joins that an event states the time of.",
            "leaves": "Connections that have ended.",
            "leaves_by_webhook": "Leaves that an event states the time of.",
            "recordings": "Recordings of these sessions.",
            "recordings_by_webhook": "Those that any event names.",
            "completeness": "All that came by webhooks, of all: 0 to 1.",
            "minutes_corrected": "Sum over the connections of how far their minutes would be off without the API.",
        },
    ),
    "session_drift": (
        "One row per session: what the tables come to beside what the vendor counts.",
        {
            "api_minutes": "Participant minutes, as the vendor counts them.",
            "minutes_drift": "`participant_minutes` minus `api_minutes`.",
            "api_peak": "Most participants at once, as the vendor counts them: whom it counts is not published.",
            "api_connections": "Participants that the vendor lists.",
            "verdict": "Of the minutes: equal, within a minute, differs; not compared: not asked about after the end.",
        },
    ),
    "roster_attendance": (
        "One row per person expected: how much of the time they were there.",
        {
            "sessions": "Sessions of the meeting that overlap the time.",
            "attended_seconds": "Within the time, over all these sessions; two devices at once count once.",
            "share": "Of the time in which there was a session; null if there was none.",
            "verdict": "attended, below_threshold, no_show or open: not decided yet.",
        },
    ),
}

VIEW_COLUMNS = """
SELECT table_name, column_name, data_type FROM information_schema.columns
WHERE table_schema = 'rollcall' AND table_name = ANY (%s) ORDER BY ordinal_position
"""


class ViewColumn(NamedTuple):
    """A column of a view, as the database reports it."""

    view: str
    name: str
    type: str


def reference(view_columns: Sequence[ViewColumn]) -> str:
    """Return the page, as Markdown."""
    return "\n".join([HEAD, *_tables(), *_views(view_columns)])


def view_columns(connection: psycopg.Connection[Any]) -> list[ViewColumn]:
    """Return the columns of the documented views, in order."""
    return [ViewColumn(*row) for row in connection.execute(VIEW_COLUMNS, [list(VIEWS)])]


def _tables() -> Iterator[str]:
    meanings = {mapper.local_table: mapper.class_.__doc__ or "" for mapper in Base.registry.mappers}
    for table in Base.metadata.tables.values():
        yield f"## {table.name}\n"
        yield f"{meanings[table].strip()}\n"
        ours = [column for column in table.columns if not _is_internal(column)]
        if ours:
            yield from _listing(_described(column, table) for column in ours)
        rest = [column.name for column in table.columns if _is_internal(column)]
        if rest:
            yield f"Internal: {', '.join(f'`{name}`' for name in rest)}.\n"
        indexes = sorted(_index_line(index.name, index.expressions) for index in table.indexes)
        if indexes:
            yield f"Indexes besides the key: {'; '.join(indexes)}.\n"


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
    yield "| column | type | personal data | |\n|---|---|---|---|"
    for name, type_, holding, note in rows:
        yield f"| `{name}` | {type_} | {_MARKS[holding]} | {note} |"
    yield ""


def _described(column: Column[Any], table: Table) -> tuple[str, str, Holding, str]:
    type_ = _short(column.type.compile(dialect=postgresql.dialect()).lower())  # type: ignore[no-untyped-call]  # theirs
    notes = [note for note in (column.doc, "Key." if column in set(table.primary_key) else None) if note]
    return column.name, type_, column.info["holding"], " ".join(notes)


def _is_internal(column: Column[Any]) -> bool:
    place = (column.table.name, column.name)
    return (
        column.name.startswith(_INTERNAL_PREFIXES)
        or (column.name.endswith(_INTERNAL_SUFFIX) and place not in _FOR_PEOPLE)
        or place in _INTERNAL_NAMES
        or column.table.name in _INTERNAL_TABLES
    )


def _index_line(name: Any, expressions: Sequence[Any]) -> str:
    columns = ", ".join(" ".join(str(getattr(expression, "name", expression)).split()) for expression in expressions)
    return f"`{name}` ({columns})"


def _short(type_: str) -> str:
    return type_.replace("timestamp with time zone", "timestamptz")


def main() -> None:
    """Write the page, or with --check only compare it; exit code 1 if it is out of date."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--check", action="store_true", help="write nothing; fail if the page is out of date")
    check = parser.parse_args().check
    with psycopg.connect(database_url(read_environment())) as connection:
        page = reference(view_columns(connection))
    if not check:
        PAGE.write_text(page, encoding="utf-8")
    elif PAGE.read_text(encoding="utf-8") != page:
        sys.exit("docs/tables.md is out of date: run `python -m migrations.reference`.")


if __name__ == "__main__":
    main()
