"""What a role may see, column by column: the data map, asked by where Postgres says that a value comes from."""

import threading
from collections.abc import Collection, Mapping
from typing import Any, LiteralString

import psycopg

from workers.tables.models import OF_VIEWS, Base, Holding

_COLUMNS: LiteralString = """
    SELECT c.oid, a.attnum, c.relname::text, a.attname::text
    FROM pg_class AS c JOIN pg_attribute AS a ON a.attrelid = c.oid
    WHERE c.relnamespace = 'rollcall'::regnamespace AND a.attnum > 0 AND NOT a.attisdropped"""

_OF_TABLES: Mapping[tuple[str, str], Holding] = {
    (table.name, column.name): column.info["holding"]
    for table in Base.metadata.tables.values()
    for column in table.columns
}


def holding_of(relation: str, column: str) -> Holding | None:
    """Return what a column of a table or a documented view holds; None if the map does not know it."""
    of_view = OF_VIEWS.get(relation)
    return of_view.get(column, Holding.NOTHING) if of_view is not None else _OF_TABLES.get((relation, column))


class DataMap:
    """The data map by the numbers that Postgres gives to tables and columns."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._places: dict[tuple[int, int], tuple[str, str]] = {}

    def holding(self, connection: psycopg.Connection[Any], table: int, column: int) -> Holding | None:
        """Return what a result's column holds by the column that it comes from; None if that is not known.

        Args:
            connection: of the result.
            table: the number of the table or view; 0 for a computed column.
            column: the number of its column.
        """
        if not table:
            return None
        place = self._places.get((table, column))
        if place is None:
            # A view that was created again has another number.
            with self._lock, connection.cursor() as cursor:
                self._places = {(row[0], row[1]): (row[2], row[3]) for row in cursor.execute(_COLUMNS)}
            place = self._places.get((table, column))
        return holding_of(*place) if place is not None else None


class RoleSight:
    """What somebody with a role sees. A column whose origin is not known is not shown unless it is said to be plain."""

    def __init__(self, data_map: DataMap, visible: frozenset[Holding]) -> None:
        self._data_map = data_map
        self._visible = visible

    def hidden(self, cursor: psycopg.Cursor[Any], plain: Collection[str]) -> frozenset[str]:
        """Return the names of the columns to hide; see `console.queries.sight.Sight`."""
        result = cursor.pgresult
        if result is None or self._visible == frozenset(Holding):
            return frozenset()
        names = [column.name for column in cursor.description or ()]
        origins = [(result.ftable(place), result.ftablecol(place)) for place in range(len(names))]
        return frozenset(
            name
            for name, origin in zip(names, origins, strict=True)
            if self._data_map.holding(cursor.connection, *origin) not in self._visible
            and not (origin[0] == 0 and name in plain)
        )

    def shows(self, table: str, column: str) -> bool:
        """Return whether a column may be seen, and so be filtered and sorted by."""
        return holding_of(table, column) in self._visible
