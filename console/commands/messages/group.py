"""The commands of `rollcall messages`."""

import typer

from console.commands.messages import listing, redeliver, show

messages = typer.Typer(help="Look at messages, and send them again.", no_args_is_help=True, rich_markup_mode=None)
messages.command("list")(listing.list_)
messages.command("show")(show.show)
messages.command("redeliver")(redeliver.redeliver)
