"""`rollcall roster import`."""

from pathlib import Path
from typing import Annotated
from zoneinfo import ZoneInfo

import typer

from console.changing import open_for_changes
from console.rosters.file import read_roster
from console.rosters.store import import_roster


def _zone(text: str) -> ZoneInfo:
    try:
        return ZoneInfo(text)
    except (OSError, ValueError, KeyError):  # the last is how ZoneInfo says that it found none
        raise typer.BadParameter(f"this machine knows no time zone {text!r}: give one such as Europe/Berlin.") from None


def import_(
    file: Annotated[Path, typer.Argument(metavar="FILE.csv", help="The file; see docs/automations.md.")],
    zone: Annotated[
        ZoneInfo | None,
        typer.Option("--tz", parser=_zone, metavar="ZONE", help="The zone of times without an offset: Europe/Berlin."),
    ] = None,
) -> None:
    """Import who is expected in which meeting, from when to when.

    The file is CSV in UTF-8. Its first line names the columns, in any order: meeting_id, person, starts_at, ends_at
    and, if wanted, display_name and minimum_share (from 0 to 1). A line whose meeting, person and start are known
    updates what is there. If any line can't be read, all such lines are named and nothing is imported.
    """
    expected = read_roster(file, zone)
    with open_for_changes() as connection:
        new, known = import_roster(connection, expected)
    typer.echo(f"Imported {len(expected)} {'line' if len(expected) == 1 else 'lines'}: {new} new, {known} updated.")
