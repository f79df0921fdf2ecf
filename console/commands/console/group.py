"""`rollcall console`: puts its commands together."""

import typer

from console.commands.console import link, password

console = typer.Typer(help="Log in to the web console.", no_args_is_help=True, rich_markup_mode=None)
console.command("link")(link.link)
console.command("password")(password.password)
