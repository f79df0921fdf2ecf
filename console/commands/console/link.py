"""`rollcall console link`."""

import typer

from console.failure import CommandFailedError
from console.pages.entrance.link import make_link
from console.pages.settings import console_address, is_embedded
from runtime.environment import read_environment
from runtime.var_folder import VarFolder


def link() -> None:
    """Print a link that logs in to the web console once, with the embedded Postgres.

    The one before stops working.
    """
    environment = read_environment()
    if not is_embedded(environment):
        raise CommandFailedError(
            "With a DATABASE_URL there is no such link: log in with the password, or through the proxy."
        )
    folder = VarFolder.of(environment)
    folder.check()
    try:
        typer.echo(make_link(folder.console_link, console_address(environment)))
    except OSError as error:
        raise CommandFailedError(
            f"{folder.console_link} can't be written ({error.strerror}): run this as the user that runs Rollcall."
        ) from None
