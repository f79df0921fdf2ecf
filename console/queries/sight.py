"""What a reader may see: the values of the other columns never leave the read side."""

from collections.abc import Collection
from typing import Any, Final, Protocol

import psycopg


class Hidden:
    """Stands for a value that the reader may not see. It is false, and shows as nothing."""

    def __bool__(self) -> bool:
        return False

    def __str__(self) -> str:
        return ""

    def __repr__(self) -> str:
        return "HIDDEN"


HIDDEN: Final = Hidden()


class Sight(Protocol):
    """Tells which columns of a result a reader may not see."""

    def hidden(self, cursor: psycopg.Cursor[Any], plain: Collection[str]) -> frozenset[str]:
        """Return the names of the columns to hide.

        Args:
            cursor: with a result.
            plain: computed columns that hold nothing of a person.
        """

    def shows(self, table: str, column: str) -> bool:
        """Return whether a column may be seen, and so be filtered and sorted by."""
