"""The commands of `rollcall webhooks`."""

import typer

from console.commands.webhooks import check, listing, register, remove, switching

webhooks = typer.Typer(
    help="Register this receiver's URL with the vendor, and check it.", no_args_is_help=True, rich_markup_mode=None
)
webhooks.command("list")(listing.list_)
webhooks.command("register")(register.register)
webhooks.command("check")(check.check)
webhooks.command("enable")(switching.enable)
webhooks.command("disable")(switching.disable)
webhooks.command("remove")(remove.remove)
