"""A table's columns are merged in memory and in the database by the same rules, whatever the order and the batches."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any, LiteralString, get_type_hints
from uuid import UUID

import msgspec
import psycopg
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from tests.meaning.tables import Connection
from workers.reading.facts import ArtifactKind
from workers.rules.artifacts import ARTIFACTS
from workers.rules.columns import Columns, by_column
from workers.rules.names import MEETINGS, ORGANIZATIONS
from workers.rules.presence import OBSERVED_PARTICIPANTS, PARTICIPANTS
from workers.rules.rule import Earliest, Key, Latest, Observed, ReceivedLast
from workers.rules.sessions import OBSERVED_SESSIONS, SESSIONS
from workers.rules.times import Believed, Derived, FirstKnown, IfKnown, OfSession, Source, SourceOf, UnlessLater
from workers.tables import statements
from workers.tables.arrays import write_columns

NINE = datetime(2026, 3, 2, 9, tzinfo=UTC)
TEXTS = [None, "one", "two", "three"]
TIMES = [None, *(NINE + timedelta(minutes=minute) for minute in range(4))]
KEYS = ["a", "b"]
MOST = 8


@dataclass(frozen=True)
class Table:
    name: str
    columns: Columns
    statement: LiteralString


TABLES = [
    Table("organizations", ORGANIZATIONS, statements.ORGANIZATIONS),
    Table("meetings", MEETINGS, statements.MEETINGS),
    Table("sessions", SESSIONS, statements.SESSIONS),
    Table("participants", PARTICIPANTS, statements.PARTICIPANTS),
    Table("sessions", OBSERVED_SESSIONS, statements.OBSERVED_SESSIONS),
    Table("participants", OBSERVED_PARTICIPANTS, statements.OBSERVED_PARTICIPANTS),
    Table("artifacts", ARTIFACTS, statements.ARTIFACTS),
]

Stated = tuple[UUID, msgspec.Struct]
Row = dict[str, Any]


@pytest.fixture
def connection(database_url: str) -> Iterator[Connection]:
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute("SET timezone = 'UTC'")
        yield connection


def rows_of(table: Table) -> st.SearchStrategy[list[Stated]]:
    """What deliveries state of a few rows of a table, in the order in which they were received."""
    hints = get_type_hints(table.columns.row)
    fields = [st.sampled_from(_values(name, hints[name], table.columns)) for name in table.columns.rules]
    row = st.tuples(*fields).map(lambda values: table.columns.row(*values))
    return st.lists(row, min_size=1, max_size=MOST).map(
        lambda rows: [(UUID(int=n), _by(table, n, r)) for n, r in enumerate(rows, 1)]
    )


def _by(table: Table, number: int, row: msgspec.Struct) -> msgspec.Struct:
    """Make a row of observations that of the observation with its number; every fourth states nothing of its own."""
    if "observed_by" not in table.columns.rules:
        return row
    if table.columns is OBSERVED_SESSIONS and number % 4 == 0:
        nothing = {name: None for name, rule in table.columns.rules.items() if isinstance(rule, Observed)}
        return msgspec.structs.replace(row, observed_by=UUID(int=0), **nothing)
    return msgspec.structs.replace(row, observed_by=UUID(int=number))


def _values(name: str, hint: Any, columns: Columns) -> Sequence[Any]:
    if hint is ArtifactKind:
        return [*ArtifactKind]
    if isinstance(columns.rules[name], Key):
        return KEYS
    if hint is datetime:
        return TIMES[1:]
    values: dict[Any, Sequence[Any]] = {
        UUID: [UUID(int=0)],
        bool: [False, True],
        Decimal | None: [None, Decimal("1.5"), Decimal(2)],
        int | None: [None, 1, 2],
    }
    if hint in values:
        return values[hint]
    return TIMES if hint == datetime | None else TEXTS


@pytest.mark.parametrize("table", TABLES, ids=lambda table: table.name)
def test_any_order_and_any_batches_come_to_what_the_rules_say(connection: Connection, table: Table) -> None:
    @settings(
        max_examples=100,
        deadline=None,
        database=None,
        phases=[Phase.explicit, Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(stated=rows_of(table), order=st.permutations(range(MOST)), size=st.integers(1, MOST), ended=st.booleans())
    def check(stated: list[Stated], order: list[int], size: int, ended: bool) -> None:  # noqa: FBT001 - hypothesis names it
        connection.execute("TRUNCATE rollcall.organizations, rollcall.meetings, rollcall.sessions, rollcall.artifacts")
        connection.execute("TRUNCATE rollcall.participants")
        session = {"id": "a", "ended_at": TIMES[2] if ended else None}
        if table.name == "participants":
            for key in KEYS:
                connection.execute(
                    """
                    INSERT INTO rollcall.sessions (id, status, last_received_at, last_event_at, stated_ended_at)
                    VALUES (%(id)s, 'live', %(at)s, %(at)s, %(ended_at)s)
                    """,
                    {"id": key, "at": NINE, "ended_at": session["ended_at"]},
                )
        arrived = [stated[place] for place in order if place < len(stated)]
        for at in range(0, len(arrived), size):
            write(connection, table, arrived[at : at + size])
        assert found(connection, table) == expected(table.columns, stated, session)

    check()


def write(connection: Connection, table: Table, batch: Iterable[Stated]) -> None:
    merged: dict[Any, list[Any]] = {}
    for delivery_id, row in sorted(batch, key=lambda one: one[0]):
        table.columns.merge_into(merged, _key(table.columns, row), delivery_id, row)
    with connection.cursor() as cursor:
        write_columns(cursor, table.statement, by_column(merged))


def found(connection: Connection, table: Table) -> list[Row]:
    names = [*table.columns.names, *table.columns.derived]
    rows = connection.execute(f"SELECT {', '.join(names)} FROM rollcall.{table.name}".encode()).fetchall()
    return sorted((dict(zip(names, row, strict=True)) for row in rows), key=lambda row: list(map(str, row.values())))


def expected(columns: Columns, stated: Iterable[Stated], session: Row) -> list[Row]:
    """What the rules say, in so many words."""
    by_key: dict[Any, list[Stated]] = {}
    for one in stated:
        by_key.setdefault(_key(columns, one[1]), []).append(one)
    rows = [_merged(columns, those) for those in by_key.values()]
    rows = [row | {name: derived(one, row, session) for name, one in columns.derived.items()} for row in rows]
    return sorted(rows, key=lambda row: list(map(str, row.values())))


def _merged(columns: Columns, stated: Sequence[Stated]) -> Row:
    row: Row = {}
    bys: Row = {}
    for name, rule in columns.rules.items():
        if isinstance(rule, Observed):
            row[name] = getattr(max((one for _, one in stated), key=lambda one: getattr(one, rule.by)), name)
            continue
        said = [(getattr(one, name), delivery_id) for delivery_id, one in stated if getattr(one, name) is not None]
        choose: dict[type, Callable[[list[Any]], Any]] = {
            Key: lambda values: values[0],
            Earliest: min,
            Latest: max,
            ReceivedLast: lambda values: values[-1],
        }
        row[name] = choose[type(rule)]([value for value, _ in said]) if said else None
        if isinstance(rule, ReceivedLast):
            bys[rule.by] = said[-1][1] if said else None
    return row | bys


def derived(one: Derived, row: Row, session: Row) -> Any:
    if isinstance(one, IfKnown):
        return one.otherwise if derived(one.value, row, session) is None else one.then
    if isinstance(one, FirstKnown):
        latest = [row[name] for name in one.latest_of if row.get(name) is not None]
        return max(latest) if latest else next((row[name] for name in one.else_of if row.get(name) is not None), None)
    believed = one.believed if isinstance(one, SourceOf) else one
    known = {source: value for source, value in _sources(believed, row, session).items() if value is not None}
    return next(iter(known if isinstance(one, SourceOf) else known.values()), None)


def _sources(believed: Believed, row: Row, session: Row) -> Mapping[Source, Any]:
    values: dict[Source, Any] = {}
    for source, value in believed.sources.items():
        match value:
            case OfSession(column):
                values[source] = session[column]
            case UnlessLater(column, than):
                mine, other = row.get(column), row.get(than)
                values[source] = None if mine is not None and other is not None and other > mine else mine
            case column:
                values[source] = row.get(column)
    return values


def _key(columns: Columns, row: msgspec.Struct) -> Any:
    key = tuple(getattr(row, name) for name, rule in columns.rules.items() if isinstance(rule, Key))
    return key[0] if len(key) == 1 else key


def test_sources_are_believed_in_one_order() -> None:
    with pytest.raises(ValueError, match="event, api, received, session_end"):
        Believed({Source.RECEIVED: "noticed_at", Source.EVENT: "stated_at"})


def test_every_field_of_a_row_has_a_rule() -> None:
    with pytest.raises(TypeError, match="MeetingFact"):
        Columns(MEETINGS.row, {"id": Key()})
