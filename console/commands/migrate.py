"""`rollcall migrate`: bring the tables and the queue's tables to what this version of the code expects."""

from typing import Annotated

import typer

from migrations.apply import migrate_database
from runtime.addresses import database_url
from runtime.environment import read_environment


def migrate(
    revision: Annotated[
        str, typer.Option(help="The revision to stop at. Older ones than the database's are not gone back to.")
    ] = "head",
) -> None:
    """Bring the database's tables up to date. Nothing happens where they are.

    Safe to call on several machines at once: they take turns.
    """
    migrate_database(database_url(read_environment()), revision)
    typer.echo("The database is up to date." if revision == "head" else f"The database is at revision {revision}.")
