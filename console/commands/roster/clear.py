"""`rollcall roster clear`."""

from datetime import datetime
from typing import Annotated

import typer

from console.changing import open_for_changes
from console.rosters.store import clear_roster, count_roster
from console.screen.confirming import confirm
from console.since import SINCE_TAKES, since


def clear(
    *,
    meeting: Annotated[str | None, typer.Option(metavar="ID", help="Those of this meeting.")] = None,
    before: Annotated[
        datetime | None,
        typer.Option(parser=since, metavar="T", help=f"Those that end before then: {SINCE_TAKES}."),
    ] = None,
    everything: Annotated[bool, typer.Option("--all", help="All of them.")] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Don't ask.")] = False,
) -> None:
    """Remove people from the roster. What was told of them stays told."""
    if everything == bool(meeting or before):
        problem = "--all can't be combined" if everything else "nothing is selected"
        raise typer.BadParameter(f"{problem}: use --meeting, --before or both, or --all.", param_hint="clear")
    with open_for_changes() as connection:
        count = count_roster(connection, meeting, before)
        confirm(f"Remove {count} {_rows(count)} of the roster?", yes=yes)
        removed = clear_roster(connection, meeting, before)
    typer.echo(f"Removed {removed} {_rows(removed)} of the roster.")


def _rows(count: int) -> str:
    return "row" if count == 1 else "rows"
