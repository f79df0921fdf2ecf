"""`rollcall url`."""

import typer

from runtime.addresses import database_url
from runtime.environment import read_environment


def url() -> None:
    """Print the URL of the database in use, including its password, for a program that reads it from its environment.

    It is DATABASE_URL if set, otherwise the embedded Postgres that `rollcall run` is running in this folder.
    """
    typer.echo(database_url(read_environment()))
