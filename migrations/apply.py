"""Applying the migrations: what `rollcall migrate` and `rollcall run` do."""

from pathlib import Path
from typing import TYPE_CHECKING

from runtime.passwords import reason

# Alembic and SQLAlchemy are imported by those who need them: they take as long to import as all the rest of `rollcall`.
if TYPE_CHECKING:
    from alembic.config import Config


class MigrationError(Exception):
    """The database was not brought up to date. The message is one line: why, and what to do now."""


def migrate_database(url: str, revision: str = "head") -> None:
    """Bring the database at `url` (any URL that libpq takes) up to `revision`.

    Raises:
        MigrationError: the database can't be reached, the revision is unknown, or a migration failed. A migration
            that fails leaves the database as it was before it.
    """
    from alembic import command  # noqa: PLC0415 - see above
    from alembic.util import CommandError  # noqa: PLC0415
    from sqlalchemy.exc import DBAPIError  # noqa: PLC0415

    try:
        command.upgrade(migrations_config(url), revision)
    except CommandError as error:
        raise MigrationError(
            f"The migrations can't be applied: {reason(error, url)} Is an older version of Rollcall installed here "
            "than the one that migrated this database?"
        ) from error
    except DBAPIError as error:
        if error.statement is None:  # it came to no statement: the connection was not made
            raise MigrationError(
                f"The database can't be reached: {reason(error.orig, url)} Is the server that DATABASE_URL names up?"
            ) from error
        raise MigrationError(
            f"A migration failed: {reason(error.orig, url)} The database is as it was before it. "
            "Remove the cause and call `rollcall migrate` again."
        ) from error


def migrations_config(url: str) -> "Config":
    """Return Alembic's configuration for the database at `url`.

    The URL travels as an attribute: it may hold a password, and what stands in the configuration's text is logged and
    has its `%` read as the start of a name.
    """
    from alembic.config import Config  # noqa: PLC0415 - see above

    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent).replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    config.attributes["url"] = url
    return config
