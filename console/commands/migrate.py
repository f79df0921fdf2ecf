"""`rollcall migrate`: migrates the tables and the queue's tables to this version."""

from typing import Annotated

import typer

from migrations.apply import migrate_database
from runtime.addresses import database_url
from runtime.environment import read_environment


def migrate(
    revision: Annotated[str, typer.Option(help="The revision to stop at. It never downgrades.")] = "head",
) -> None:
    """Migrate the database's tables to this version. Does nothing if they are up to date.

    Safe to run on several machines at once: they take turns.
    """
    migrate_database(database_url(read_environment()), revision)
    typer.echo("The database is up to date." if revision == "head" else f"The database is at revision {revision}.")
