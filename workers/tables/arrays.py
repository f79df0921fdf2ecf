"""Handing rows to a statement column by column, the form in which Postgres takes many rows in one go."""

from collections.abc import Iterable, Sequence
from typing import Any, LiteralString

import msgspec
import psycopg

Cursor = psycopg.Cursor[tuple[Any, ...]]


def write_rows(cursor: Cursor, statement: LiteralString, rows: Iterable[msgspec.Struct]) -> None:
    """Execute a statement that takes one array a column, with the fields of the rows as columns. No rows: no call."""
    columns = list(zip(*map(msgspec.structs.astuple, rows), strict=True))
    if columns:
        write_columns(cursor, statement, columns)


def write_columns(cursor: Cursor, statement: LiteralString, columns: Sequence[Sequence[Any]]) -> None:
    """Execute a statement that takes one array a column."""
    cursor.execute(statement, [list(column) for column in columns], prepare=True)
