"""`rollcall url`."""

import typer

from runtime.addresses import database_url
from runtime.environment import read_environment


def url() -> None:
    """Print the URL of the database in use, whole, password included: for a program that takes it in its environment.

    It is DATABASE_URL where that is set, else the embedded Postgres that `rollcall run` keeps up in this folder.
    """
    typer.echo(database_url(read_environment()))
