"""Changes the tables: one connection per command, and one clear line on failure."""

from collections.abc import Iterator
from contextlib import contextmanager

from console.queries.tables import told_clearly
from runtime.addresses import database_url
from runtime.connections import connect
from runtime.environment import read_environment
from runtime.session import Session


@contextmanager
def open_for_changes() -> Iterator[Session]:
    """Open the database in use, in autocommit mode.

    Raises:
        SettingError: DATABASE_URL is invalid, or there is no database.
        DatabaseAwayError: the database does not answer.
        CommandFailedError: its tables are of another version, or can't be changed by this user.
    """
    url = database_url(read_environment())
    with told_clearly(url), connect(url, name="rollcall console") as connection:
        yield connection
