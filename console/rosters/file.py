"""Reads a roster from a CSV file: all of it, or a list of what is wrong with it."""

import csv
import io
from pathlib import Path
from zoneinfo import ZoneInfo

from console.failure import CommandFailedError
from console.rosters.line import COLUMNS, REQUIRED, BadLineError, Expected, read_line

# Of lines that are wrong, so many are named.
_MOST_NAMED = 20
# A spreadsheet in a country with a decimal comma writes semicolons.
_SEPARATORS = (",", ";", "\t")


def read_roster(path: Path, zone: ZoneInfo | None) -> list[Expected]:
    """Return the lines of a file.

    Args:
        path: UTF-8, with a header whose columns stand in any order.
        zone: what times without an offset are in, if they may be without one.

    Raises:
        CommandFailedError: the file, its header or any of its lines can't be read; it names the lines.
    """
    text = _text(path)
    header = text.partition("\n")[0]
    separator = max(_SEPARATORS, key=header.count)
    lines = csv.reader(io.StringIO(text, newline=""), delimiter=separator, strict=True)
    expected: list[Expected] = []
    bad: list[str] = []
    first_lines: dict[tuple[object, ...], int] = {}
    try:
        columns = _columns(path, next(lines, []))
        for cells in lines:
            if not any(map(str.strip, cells)):
                continue
            try:
                expected.append(read_line(_named(columns, cells), zone))
            except BadLineError as error:
                bad.append(f"line {lines.line_num}: {error}")
                continue
            earlier = first_lines.setdefault(expected[-1].key, lines.line_num)
            if earlier != lines.line_num:
                bad.append(f"line {lines.line_num}: it expects the same person at the same time as line {earlier}")
    except csv.Error as error:
        raise CommandFailedError(
            f"{path}, line {lines.line_num} is not CSV ({error}). Nothing was imported: correct it and import again."
        ) from None
    if bad:
        more = f"\n... and {len(bad) - _MOST_NAMED} more" if len(bad) > _MOST_NAMED else ""
        listed = "\n".join(bad[:_MOST_NAMED])
        raise CommandFailedError(
            f"{path} can't be read, and nothing was imported. Correct it and import again:\n{listed}{more}"
        )
    return expected


def _text(path: Path) -> str:
    try:
        content = path.read_bytes()
    except OSError as error:
        raise CommandFailedError(f"{path} can't be read: {error.strerror}. Name a file that can.") from None
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        number = content[: error.start].count(b"\n") + 1
        raise CommandFailedError(
            f"{path}, line {number} is not UTF-8. Nothing was imported: save the file in that encoding."
        ) from None


def _columns(path: Path, header: list[str]) -> list[str]:
    columns = [cell.strip().lower() for cell in header]
    problems = [f"no column {name}" for name in REQUIRED if name not in columns]
    problems += [f"an unknown column {name!r}" for name in columns if name not in COLUMNS]
    problems += [f"the column {name} twice" for name in COLUMNS if columns.count(name) > 1]
    if problems:
        raise CommandFailedError(
            f"{path} has {', '.join(problems)}. Nothing was imported: its first line names the columns, "
            f"{', '.join(REQUIRED)} and, if wanted, display_name and minimum_share, in any order."
        )
    return columns


def _named(columns: list[str], cells: list[str]) -> dict[str, str]:
    if len(cells) != len(columns):
        raise BadLineError(f"it has {len(cells)} cells, and the header {len(columns)}")
    return {name: cell.strip() for name, cell in zip(columns, cells, strict=True)}
