"""Applying the migrations: what `rollcall migrate` and `rollcall run` do."""

from pathlib import Path
from typing import TYPE_CHECKING

from runtime.passwords import reason

# Alembic and SQLAlchemy are imported only where needed: importing them takes as long as the rest of `rollcall`.
if TYPE_CHECKING:
    from alembic.config import Config


class MigrationError(Exception):
    """The database could not be migrated. The message is one line: why, and what to do."""


def migrate_database(url: str, revision: str = "head") -> None:
    """Migrate the database at `url` (any URL that libpq accepts) to `revision`.

    Raises:
        MigrationError: the database can't be reached, the revision is unknown, or a migration failed. A failed
            migration leaves the database unchanged.
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
        if error.statement is None:  # no statement was run: the connection failed
            raise MigrationError(
                f"The database can't be reached: {reason(error.orig, url)} Is the server that DATABASE_URL names up?"
            ) from error
        raise MigrationError(
            f"A migration failed: {reason(error.orig, url)} The database is unchanged. "
            "Fix the cause and run `rollcall migrate` again."
        ) from error


def migrations_config(url: str) -> "Config":
    """Return Alembic's configuration for the database at `url`.

    The URL is passed as an attribute: it may contain a password, and the configuration's text is logged and has its `%`
    interpreted.
    """
    from alembic.config import Config  # noqa: PLC0415 - see above

    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent).replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    config.attributes["url"] = url
    return config
