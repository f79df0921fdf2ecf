"""The commands of `rollcall roster`."""

import typer

from console.commands.roster import clear, importing, listing

roster = typer.Typer(help="Say who is expected in which meeting.", no_args_is_help=True, rich_markup_mode=None)
roster.command("import")(importing.import_)
roster.command("list")(listing.list_)
roster.command("clear")(clear.clear)
