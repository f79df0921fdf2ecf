"""Reads the tables: one read-only transaction per command, and one clear line on failure."""

from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, LiteralString

import psycopg
from psycopg import errors
from psycopg.rows import dict_row

from console.failure import CommandFailedError
from console.queries.sight import HIDDEN, Sight
from runtime.addresses import DATABASE_URL_TAKES, database_url
from runtime.connections import connect
from runtime.environment import SettingError, read_environment
from runtime.passwords import reason

Row = dict[str, Any]

_NOT_MIGRATED = (errors.UndefinedTable, errors.UndefinedColumn, errors.UndefinedFunction, errors.InvalidSchemaName)


class DatabaseAwayError(CommandFailedError):
    """The database does not answer or refuses the connection. The exit code is 2: the command could not start."""

    exit_code = 2

    def __init__(self, error: psycopg.Error, url: str) -> None:
        super().__init__(
            f"The database does not answer: {reason(error, url)} Is the server in DATABASE_URL running? "
            "`rollcall doctor` shows more."
        )


class HiddenFilterError(CommandFailedError):
    """The reader may not see what they filter by."""

    def __init__(self, column: str) -> None:
        super().__init__(f"Your role does not show {column.replace('_', ' ')}, so it can't be filtered by it.")


class Tables:
    """A snapshot of the tables. Times are returned in UTC."""

    def __init__(self, connection: psycopg.Connection[Any], sight: Sight | None = None) -> None:
        """Read with a connection.

        Args:
            connection: in a transaction, for a snapshot.
            sight: what the reader may see; None: everything.
        """
        self._connection = connection
        self._sight = sight

    def shows(self, table: str, column: str) -> bool:
        """Return whether the reader may see a column, and so filter and sort by it."""
        return self._sight is None or self._sight.shows(table, column)

    def must_show(self, table: str, column: str) -> None:
        """Refuse to filter by a column that the reader may not see.

        Raises:
            HiddenFilterError: they may not.
        """
        if not self.shows(table, column):
            raise HiddenFilterError(column)

    def rows(
        self, statement: LiteralString, values: Mapping[str, Any] | None = None, plain: Collection[str] = ()
    ) -> list[Row]:
        """Return a statement's rows as dicts; what the reader may not see is `HIDDEN`.

        Args:
            statement: the query.
            values: its parameters.
            plain: computed columns that hold nothing of a person.

        Raises:
            CommandFailedError: a value can't be stored in any column.
        """
        with self._connection.cursor(row_factory=dict_row) as cursor:
            try:
                found = cursor.execute(statement, values).fetchall()
            except UnicodeEncodeError:  # bytes of the command line that are not UTF-8
                raise CommandFailedError("An argument is not UTF-8: correct it.") from None
            for name in self._sight.hidden(cursor, plain) if self._sight is not None else ():
                for row in found:
                    row[name] = HIDDEN
            return found


@contextmanager
def open_tables() -> Iterator[Tables]:
    """Open the tables of the database in use.

    Raises:
        SettingError: DATABASE_URL is invalid, or there is no database.
        DatabaseAwayError: the database does not answer.
        CommandFailedError: its tables are of another version, or can't be read.
    """
    url = database_url(read_environment())
    with told_clearly(url), connect(url, name="rollcall console") as connection, connection.transaction():
        connection.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
        connection.execute("SET LOCAL TIME ZONE 'UTC'")
        yield Tables(connection)


@contextmanager
def told_clearly(url: str) -> Iterator[None]:
    """Translate the errors of the database at `url` as `open_tables` documents."""
    try:
        yield
    except _NOT_MIGRATED as error:
        raise CommandFailedError("The database does not have this version's tables: run `rollcall migrate`.") from error
    except errors.InsufficientPrivilege as error:
        raise CommandFailedError(
            f"The user in DATABASE_URL lacks a privilege: {reason(error, url)} Grant it on the schema rollcall."
        ) from error
    except psycopg.ProgrammingError as error:
        if error.sqlstate is not None:
            raise
        # Not its text: it quotes parts of the URL, possibly the password.
        raise SettingError("DATABASE_URL", DATABASE_URL_TAKES) from None
    except (psycopg.OperationalError, psycopg.InterfaceError) as error:
        raise DatabaseAwayError(error, url) from error
