"""The commands of `rollcall endpoints`."""

import typer

from console.commands.endpoints import add, listing, recover, remove, rotate, switching, try_out

endpoints = typer.Typer(help="Say where messages are sent.", no_args_is_help=True, rich_markup_mode=None)
endpoints.command("add")(add.add)
endpoints.command("list")(listing.list_)
endpoints.command("show")(listing.show)
endpoints.command("test")(try_out.try_out)
endpoints.command("enable")(switching.enable)
endpoints.command("disable")(switching.disable)
endpoints.command("rotate")(rotate.rotate)
endpoints.command("recover")(recover.recover)
endpoints.command("remove")(remove.remove)
