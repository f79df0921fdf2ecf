"""Looking into the tables: one read-only transaction a command, and one clear line where that can't be."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, LiteralString

import psycopg
from psycopg import errors
from psycopg.rows import dict_row

from console.failure import CommandFailedError
from runtime.addresses import DATABASE_URL_TAKES, database_url
from runtime.connections import connect
from runtime.environment import SettingError, read_environment
from runtime.passwords import reason

Row = dict[str, Any]

_NOT_MIGRATED = (errors.UndefinedTable, errors.UndefinedColumn, errors.UndefinedFunction, errors.InvalidSchemaName)


class DatabaseAwayError(CommandFailedError):
    """The database does not answer, or lets nobody in. The exit code is 2: nothing is known of what was asked for."""

    exit_code = 2

    def __init__(self, error: psycopg.Error, url: str) -> None:
        super().__init__(
            f"The database does not answer: {reason(error, url)} Is the server up that DATABASE_URL names? "
            "`rollcall doctor` tells more."
        )


class Tables:
    """The tables as they were at one moment. Times come back in UTC."""

    def __init__(self, connection: psycopg.Connection[Any]) -> None:
        self._connection = connection

    def rows(self, statement: LiteralString, values: Mapping[str, Any] | None = None) -> list[Row]:
        """Return a statement's rows, by the names of their columns.

        Raises:
            CommandFailedError: a value is a text that no column can hold.
        """
        with self._connection.cursor(row_factory=dict_row) as cursor:
            try:
                return cursor.execute(statement, values).fetchall()
            except UnicodeEncodeError:  # bytes of the command line that are not UTF-8
                raise CommandFailedError("An argument is no UTF-8 text, so nothing in the tables can be it.") from None


@contextmanager
def open_tables() -> Iterator[Tables]:
    """Open the tables of the database in use.

    Raises:
        SettingError: DATABASE_URL is wrong, or there is no database to use.
        DatabaseAwayError: the database does not answer.
        CommandFailedError: its tables are not those of this version, or may not be read.
    """
    url = database_url(read_environment())
    with told_clearly(url), connect(url, name="rollcall console") as connection, connection.transaction():
        connection.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
        connection.execute("SET LOCAL TIME ZONE 'UTC'")
        yield Tables(connection)


@contextmanager
def told_clearly(url: str) -> Iterator[None]:
    """Have what the database at `url` refuses told as `open_tables` says."""
    try:
        yield
    except _NOT_MIGRATED as error:
        raise CommandFailedError(
            "The database does not have the tables of this version: bring it up to date with `rollcall migrate`."
        ) from error
    except errors.InsufficientPrivilege as error:
        raise CommandFailedError(
            f"The user of DATABASE_URL lacks a right: {reason(error, url)} Grant it, for the schema rollcall."
        ) from error
    except psycopg.ProgrammingError as error:
        if error.sqlstate is not None:
            raise
        # Not its text: it quotes parts of the URL, and those may be a password.
        raise SettingError("DATABASE_URL", DATABASE_URL_TAKES) from None
    except (psycopg.OperationalError, psycopg.InterfaceError) as error:
        raise DatabaseAwayError(error, url) from error
