"""Tables of pages: columns, rows, and where the next page is. The same table is shown, and exported as CSV."""

import csv
import io
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from enum import StrEnum
from itertools import chain
from typing import Any
from urllib.parse import quote

from console.exports.spreadsheet_text import spreadsheet_text
from console.queries.sight import HIDDEN
from console.queries.tables import Row

# Rows of a page, and those that a file reads at once.
PAGE_ROWS = 50
FILE_ROWS = 2_000


class Kind(StrEnum):
    """How a column's values are shown."""

    TEXT = "text"
    LONG = "long"
    ID = "id"
    TIME = "time"
    LENGTH = "length"
    MINUTES = "minutes"
    NUMBER = "number"
    BYTES = "bytes"
    SHARE = "share"
    STATUS = "status"


@dataclass(frozen=True, slots=True)
class Column:
    """A column.

    Attributes:
        key: the name of its values in a row, and in a file.
        label: its heading.
        kind: how they are shown.
        link: the address that a row's value leads to, if any.
    """

    key: str
    label: str
    kind: Kind = Kind.TEXT
    link: Callable[[Row], str | None] | None = None


@dataclass(frozen=True, slots=True)
class Listing:
    """A table.

    Attributes:
        name: of the table among those of its page, and of its file.
        caption: says what the rows are.
        columns: all that there are; those that the visitor may not see are left out.
        rows: those to show.
        empty: what to say if there are none.
        next: the address of the next page.
        rest: for a file, the rows that follow, some at a time.
        file: the address of the file.
    """

    name: str
    caption: str
    columns: Sequence[Column]
    rows: Sequence[Row]
    empty: str
    next: str | None = None
    rest: Iterable[Sequence[Row]] = ()
    file: str | None = None

    @property
    def visible(self) -> list[Column]:
        """The columns that the visitor may see."""
        return [column for column in self.columns if not any(row.get(column.key) is HIDDEN for row in self.rows)]


def to(place: str, key: str) -> Callable[[Row], str | None]:
    """Return links to the pages at `place` of the ids in a column."""

    def link(row: Row) -> str | None:
        value = row.get(key)
        return f"{place}/{quote(str(value), safe='')}" if value else None

    return link


def following(rows: Sequence[Row], number: int, read: Callable[[Row], Sequence[Row]]) -> Iterator[Sequence[Row]]:
    """Yield the rows that follow some, as many at a time.

    Args:
        rows: the first of them.
        number: how many are read at once.
        read: returns those that follow a row.
    """
    while len(rows) >= number:
        rows = read(rows[-1])
        yield rows


def as_csv(listing: Listing) -> Iterator[str]:
    """Yield a table as CSV, in which no spreadsheet runs a text. Times are ISO 8601 in UTC."""
    columns = listing.visible
    yield _lines([[column.key for column in columns]])
    for rows in chain([listing.rows], listing.rest):
        yield _lines([_cell(row.get(column.key)) for column in columns] for row in rows)


def _lines(rows: Iterable[Iterable[str]]) -> str:
    file = io.StringIO()
    csv.writer(file, lineterminator="\r\n").writerows(rows)
    return file.getvalue()


def _cell(value: Any) -> str:
    match value:
        case None:
            return ""
        case datetime():
            return value.astimezone(UTC).isoformat().replace("+00:00", "Z")
        case int() | float() | Decimal():
            return str(value)
        case list():
            return spreadsheet_text(", ".join(map(str, value)))
        case _:
            return spreadsheet_text(str(value))
