"""Tables for people: fitted to the terminal, or complete and plain in a pipe."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal

from rich.cells import cell_len
from rich.console import Console
from rich.table import Table
from rich.text import Text

from console.screen.plain_text import plain

_GAP = 2
_SHORT_ID = 8
# From this width on, full ids fit.
_ROOMY = 130
_NOTHING = "-"
_LABEL = 9


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a table.

    Attributes:
        heading: its header.
        to_the_right: whether it is right-aligned, for numbers.
        gives_way: whether its texts are truncated on a narrow terminal.
        needs_room: whether it is omitted on a narrow terminal.
    """

    heading: str
    to_the_right: bool = False
    gives_way: bool = False
    needs_room: bool = False


class Screen:
    """A command's output: a terminal with a width, or a pipe."""

    def __init__(self) -> None:
        self._console = Console(highlight=False, markup=False, emoji=False)

    @property
    def is_terminal(self) -> bool:
        """Whether it is a terminal."""
        return self._console.is_terminal

    def say(self, text: str, style: str = "") -> None:
        """Print a line."""
        if self.is_terminal:
            self._console.print(Text(plain(text)), style=style, soft_wrap=True)
        else:
            print(plain(text))  # noqa: T201 - the command's output

    def labelled(self, label: str, style: str, text: str) -> None:
        """Print a line with a label in a separate column."""
        if self.is_terminal:
            self._console.print(Text.assemble((f"{label:<{_LABEL}}", style), plain(text)), soft_wrap=True)
        else:
            print(f"{label:<{_LABEL}}{plain(text)}")  # noqa: T201 - the command's output

    def id(self, whole: str | None, short: int = _SHORT_ID) -> str:
        """Return an id as it fits: in full, or its first `short` characters, enough as a prefix."""
        if whole is None:
            return _NOTHING
        return whole if self._is_roomy else whole[:short]

    @property
    def _is_roomy(self) -> bool:
        return not self.is_terminal or self._console.width >= _ROOMY

    def table(self, columns: Sequence[Column], rows: Sequence[Sequence[str]]) -> None:
        """Print a table, one line per row. On a terminal, an empty column that `gives_way` is omitted."""
        cells = [[plain(cell) for cell in row] for row in rows]
        if not self.is_terminal:
            _print_plain(columns, cells)
            return
        visible = [
            place
            for place, column in enumerate(columns)
            if (not column.needs_room or self._is_roomy)
            and (not column.gives_way or any(row[place] != _NOTHING for row in cells))
        ]
        table = Table(box=None, pad_edge=False, padding=(0, _GAP, 0, 0), header_style="bold")
        for column in (columns[place] for place in visible):
            table.add_column(
                column.heading,
                justify="right" if column.to_the_right else "left",
                no_wrap=not column.gives_way,
                overflow="ellipsis",
            )
        for row in cells:
            # Truncated, not wrapped: rich only narrows columns that may wrap.
            table.add_row(*(Text(row[place], no_wrap=True, overflow="ellipsis") for place in visible))
        self._console.print(table)


def _print_plain(columns: Sequence[Column], rows: Sequence[Sequence[str]]) -> None:
    lines = [[column.heading for column in columns], *rows]
    widths = [max(cell_len(line[place]) for line in lines) for place in range(len(columns))]
    for line in lines:
        padded = []
        for column, cell, width in zip(columns, line, widths, strict=True):
            blanks = " " * (width - cell_len(cell))
            padded.append(blanks + cell if column.to_the_right else cell + blanks)
        print((" " * _GAP).join(padded).rstrip())  # noqa: T201 - the command's output


def shown(value: str | None) -> str:
    """Return a text, or the placeholder for None."""
    return value or _NOTHING


def moment(at: datetime | None) -> str:
    """Format a time to the second, in its own time zone."""
    return f"{at:%Y-%m-%d %H:%M:%S}" if at is not None else _NOTHING


def length(span: timedelta | Decimal | float | None) -> str:
    """Format a duration (numbers are seconds) as `h:mm:ss`; a negative one with a minus."""
    if span is None:
        return _NOTHING
    # Truncated like the times beside it, not rounded, so that they add up.
    seconds = int(span.total_seconds() if isinstance(span, timedelta) else span)
    minutes, seconds_left = divmod(abs(seconds), 60)
    hours, minutes_left = divmod(minutes, 60)
    return f"{'-' if seconds < 0 else ''}{hours}:{minutes_left:02}:{seconds_left:02}"
