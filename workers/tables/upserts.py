"""Generates the statements that write a batch's rows into a table, from the column rules in `workers.rules`.

Each takes its rows as one array per column. `old` is the existing row, `excluded` the batch's. A statement never
contains values.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from textwrap import fill, indent
from types import UnionType
from typing import Any, LiteralString, get_args, get_type_hints
from uuid import UUID

import msgspec

from workers.rules.columns import Columns
from workers.rules.rule import Earliest, Key, Latest, Observed, ReceivedLast, Rule
from workers.rules.times import Believed, Derived, FirstKnown, IfKnown, OfSession, SourceOf, UnlessLater

# The array type for each Python type; text[] for all others, which are texts.
_ARRAYS = {
    datetime: "timestamptz[]",
    UUID: "uuid[]",
    int: "bigint[]",
    bool: "boolean[]",
    Decimal: "numeric[]",
    dict: "text[]::jsonb[]",
}

_INDENT = "    "
_WIDTH = 120

Column = Callable[[str], str | None]
"""Returns the SQL for a column's merged value in some part of a statement; None if nothing is in it."""


def merged(table: str, columns: Columns, beside: Columns | None = None) -> LiteralString:
    """Return the statement that merges rows with existing ones, each column by its rule.

    Args:
        table: its name.
        columns: the columns that the rows state.
        beside: columns of the same table that other rows state; derived columns need them too.
    """
    keys = [name for name, rule in columns.rules.items() if isinstance(rule, Key)]
    arrays = _arrays(columns.row) | {name: "uuid[]" for name in columns.names if name not in columns.rules}
    merging = _merging(columns.rules)
    others = () if beside is None else [name for name in beside.rules if name not in columns.names]
    # A new row has nothing in the other columns.
    stated = {name: f"new.{name}" for name in columns.names}
    there = merging | {name: f"old.{name}" for name in others}
    new = {name: derive(one, stated.get, "session.{}".format) for name, one in columns.derived.items()}
    of_session = "(SELECT {} FROM rollcall.sessions WHERE id = excluded.session_id)".format
    assigned = {name: value for name, value in merging.items() if name not in keys}
    assigned |= {name: derive(one, there.get, of_session) for name, one in columns.derived.items()}
    join = "JOIN rollcall.sessions AS session ON session.id = new.session_id\n"
    return (
        f"INSERT INTO rollcall.{table} AS old (\n{_wrapped([*columns.names, *new])})\n"
        f"SELECT {_lines(['new.*', *new.values()]).lstrip()}\n"
        f"FROM unnest(\n{_wrapped(f'%b::{arrays[name]}' for name in columns.names)}) AS new (\n"
        f"{_wrapped(columns.names)})\n"
        f"{join if any(map(_needs_session, columns.derived.values())) else ''}{_on_conflict(keys, assigned)}"
    )


def replaced(table: str, row: type[msgspec.Struct], keys: Sequence[str]) -> LiteralString:
    """Return the statement that replaces existing rows."""
    return _insert(table, row, keys)


def received_first(
    table: str, row: type[msgspec.Struct], keys: Sequence[str], more: Mapping[str, str] | None = None
) -> LiteralString:
    """Return the statement that writes rows; of two with the same key, the delivery received first wins.

    Args:
        table: its name.
        row: what it is written from.
        keys: the columns of the key.
        more: further columns, and the column that each repeats.
    """
    return f"{_insert(table, row, keys, more or {})}\nWHERE excluded.delivery_id < old.delivery_id"


def derive(derived: Derived, column: Column, of_session: Callable[[str], str]) -> str:
    """Return the SQL for a derived column.

    Args:
        derived: how it is derived.
        column: returns the SQL for a column of the row itself; None if nothing is in it.
        of_session: returns the SQL for a column of the row's session.
    """
    if isinstance(derived, FirstKnown):
        latest = [value for value in map(column, derived.latest_of) if value is not None]
        first = [f"greatest({', '.join(latest)})" if len(latest) > 1 else value for value in latest[:1]]
        return _first_of([*first, *(value for value in map(column, derived.else_of) if value is not None)])
    if isinstance(derived, IfKnown):
        value = derive(derived.value, column, of_session)
        return _broken(["CASE", f"WHEN {value} IS NULL", f"THEN '{derived.otherwise}' ELSE '{derived.then}' END"])
    sources = (derived.believed if isinstance(derived, SourceOf) else derived).sources
    values = {source: _value(value, column, of_session) for source, value in sources.items()}
    known = {source: value for source, value in values.items() if value is not None}
    if isinstance(derived, SourceOf):
        return _broken(
            ["CASE", *(f"WHEN {value} IS NOT NULL THEN '{source}'" for source, value in known.items()), "END"]
        )
    return _first_of(list(known.values()))


def _value(value: str | UnlessLater | OfSession, column: Column, of_session: Callable[[str], str]) -> str | None:
    if isinstance(value, OfSession):
        return of_session(value.column)
    if isinstance(value, UnlessLater):
        # No time is later than a missing one, so this one holds.
        mine, other = column(value.column), column(value.than)
        return (
            mine
            if other is None or mine is None
            else _broken(["CASE", f"WHEN {other} > {mine}", f"THEN NULL ELSE {mine} END"])
        )
    return column(value)


def _first_of(values: Sequence[str]) -> str:
    return values[0] if len(values) == 1 else _broken([f"coalesce({values[0]}", *values[1:]], ",") + ")"


def _needs_session(derived: Derived) -> bool:
    if isinstance(derived, Believed):
        return any(isinstance(value, OfSession) for value in derived.sources.values())
    if isinstance(derived, FirstKnown):
        return False
    return _needs_session(derived.value if isinstance(derived, IfKnown) else derived.believed)


def _merging(rules: Mapping[str, Rule]) -> dict[str, str]:
    merging: dict[str, str] = {}
    for name, rule in rules.items():
        match rule:
            case Earliest():
                merging[name] = f"least(old.{name}, excluded.{name})"
            case Latest():
                merging[name] = f"greatest(old.{name}, excluded.{name})"
            case ReceivedLast(by):
                is_older = f"old.{by} > excluded.{by} OR excluded.{by} IS NULL"
                merging[name] = _broken([f"CASE WHEN {is_older}", f"THEN old.{name} ELSE excluded.{name} END"])
                merging[by] = f"greatest(old.{by}, excluded.{by})"
            case Observed(by):
                is_older = f"old.{by} > excluded.{by}"
                merging[name] = _broken([f"CASE WHEN {is_older}", f"THEN old.{name} ELSE excluded.{name} END"])
            case Key():
                merging[name] = f"excluded.{name}"
    return merging


def _insert(table: str, row: type[msgspec.Struct], keys: Sequence[str], more: Mapping[str, str] | None = None) -> str:
    arrays = _arrays(row)
    names = [*arrays, *(more or {})]
    selected, alias = "*", ""
    if more:
        selected = ", ".join(["new.*", *(f"new.{name}" for name in more.values())])
        alias = f" AS new (\n{_wrapped(arrays)})"
    return (
        f"INSERT INTO rollcall.{table} AS old (\n{_wrapped(names)})\n"
        f"SELECT {selected} FROM unnest(\n{_wrapped(f'%b::{array}' for array in arrays.values())}){alias}\n"
        f"{_on_conflict(keys, {name: f'excluded.{name}' for name in names if name not in keys})}"
    )


def _on_conflict(keys: Sequence[str], assigned: Mapping[str, str]) -> str:
    values = _lines(f"{name} = {value}" for name, value in assigned.items())
    return f"ON CONFLICT ({', '.join(keys)}) DO UPDATE SET\n{values}"


def _arrays(row: type[msgspec.Struct]) -> dict[str, str]:
    """Return the array type for each field."""
    return {name: _array(hint) for name, hint in get_type_hints(row).items()}


def _array(hint: Any) -> str:
    if isinstance(hint, UnionType):
        (hint,) = (one for one in get_args(hint) if one is not type(None))
    return _ARRAYS.get(getattr(hint, "__origin__", hint), "text[]")


def _broken(parts: Sequence[str], between: str = "") -> str:
    """Return the parts of an expression on one line or, if that is too long, one per line."""
    line = f"{between} ".join(parts)
    if len(line) <= _WIDTH - 30 and "\n" not in line:
        return line
    return indent(f"{between}\n".join(parts), _INDENT).lstrip()


def _lines(parts: Iterable[str]) -> str:
    return indent(",\n".join(parts), _INDENT)


def _wrapped(parts: Iterable[str]) -> str:
    return fill(", ".join(parts), _WIDTH, initial_indent=_INDENT, subsequent_indent=_INDENT, break_on_hyphens=False)
