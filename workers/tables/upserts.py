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
from workers.rules.rule import Earliest, Key, Latest, ReceivedLast, Rule
from workers.rules.times import Believed, Derived, IfKnown, OfSession, SourceOf, UnlessLater

# The array type for each Python type; text[] for all others, which are texts.
_ARRAYS = {
    datetime: "timestamptz[]",
    UUID: "uuid[]",
    int: "bigint[]",
    Decimal: "numeric[]",
    dict: "text[]::jsonb[]",
}

_INDENT = "    "
_WIDTH = 120

Column = Callable[[str], str]
"""Returns the SQL for a column's merged value in some part of a statement."""


def merged(table: str, columns: Columns) -> LiteralString:
    """Return the statement that merges rows with existing ones, each column by its rule."""
    keys = [name for name, rule in columns.rules.items() if isinstance(rule, Key)]
    arrays = _arrays(columns.row) | {name: "uuid[]" for name in columns.names if name not in columns.rules}
    merging = _merging(columns.rules)
    new = {name: derive(one, "new.{}".format, "session.{}".format) for name, one in columns.derived.items()}
    of_session = "(SELECT {} FROM rollcall.sessions WHERE id = excluded.session_id)".format
    assigned = {name: value for name, value in merging.items() if name not in keys}
    assigned |= {name: derive(one, merging.__getitem__, of_session) for name, one in columns.derived.items()}
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


def received_first(table: str, row: type[msgspec.Struct], keys: Sequence[str]) -> LiteralString:
    """Return the statement that writes rows; of two with the same key, the delivery received first wins."""
    return f"{_insert(table, row, keys)}\nWHERE excluded.delivery_id < old.delivery_id"


def derive(derived: Derived, column: Column, of_session: Column) -> str:
    """Return the SQL for a derived column.

    Args:
        derived: how it is derived.
        column: returns the SQL for a column of the row itself.
        of_session: returns the SQL for a column of the row's session.
    """
    if isinstance(derived, IfKnown):
        value = derive(derived.value, column, of_session)
        return _broken(["CASE", f"WHEN {value} IS NULL", f"THEN '{derived.otherwise}' ELSE '{derived.then}' END"])
    if isinstance(derived, SourceOf):
        sources = derived.believed.sources.items()
        cases = [f"WHEN {_value(value, column, of_session)} IS NOT NULL THEN '{source}'" for source, value in sources]
        return _broken(["CASE", *cases, "END"])
    values = [_value(value, column, of_session) for value in derived.sources.values()]
    return _broken([f"coalesce({values[0]}", *values[1:]], ",") + ")"


def _value(value: str | UnlessLater | OfSession, column: Column, of_session: Column) -> str:
    if isinstance(value, OfSession):
        return of_session(value.column)
    if isinstance(value, UnlessLater):
        # No time is later than a missing one, so this one holds.
        mine, other = column(value.column), column(value.than)
        return _broken(["CASE", f"WHEN {other} > {mine}", f"THEN NULL ELSE {mine} END"])
    return column(value)


def _needs_session(derived: Derived) -> bool:
    if isinstance(derived, Believed):
        return any(isinstance(value, OfSession) for value in derived.sources.values())
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
            case Key():
                merging[name] = f"excluded.{name}"
    return merging


def _insert(table: str, row: type[msgspec.Struct], keys: Sequence[str]) -> str:
    arrays = _arrays(row)
    return (
        f"INSERT INTO rollcall.{table} AS old (\n{_wrapped(arrays)})\n"
        f"SELECT * FROM unnest(\n{_wrapped(f'%b::{array}' for array in arrays.values())})\n"
        f"{_on_conflict(keys, {name: f'excluded.{name}' for name in arrays if name not in keys})}"
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
