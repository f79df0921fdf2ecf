"""The commands of `rollcall endpoints`."""

import typer

from console.commands.endpoints import add, listing, remove, rotate

endpoints = typer.Typer(help="Say where messages are sent.", no_args_is_help=True, rich_markup_mode=None)
endpoints.command("add")(add.add)
endpoints.command("list")(listing.list_)
endpoints.command("show")(listing.show)
endpoints.command("rotate")(rotate.rotate)
endpoints.command("remove")(remove.remove)
