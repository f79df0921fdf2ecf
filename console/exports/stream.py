"""The stream of an export: Arrow batches from Postgres into a CSV or Parquet file, in constant memory.

The rows never become Python objects: ADBC reads COPY data into columns, arro3 writes the columns to the file.
"""

from collections.abc import Iterator
from io import RawIOBase
from typing import IO, Any, cast

import adbc_driver_manager
import arro3.io
from adbc_driver_postgresql import dbapi  # type: ignore[import-untyped]  # published without types
from arro3.core import DataType, RecordBatch, RecordBatchReader, Schema
from psycopg import sql
from rich.console import Console
from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from console.exports.format import Format
from console.exports.spreadsheet_text import spreadsheet_text_sql
from runtime.session import MEANINGS

# Bounds memory: COPY data is split into batches of this many bytes, and a Parquet file into row groups of this many
# rows, which readers load completely.
_BATCH_BYTES = 4 << 20
_ROW_GROUP = 65_536


def write_rows(url: str, query: str, format_: Format, file: IO[bytes], *, raw: bool) -> None:
    """Write a query's rows to a file, showing progress on a terminal.

    Args:
        url: the database's.
        query: what to write.
        format_: the kind of file.
        file: where to write.
        raw: leave texts in CSV as they are, even those that a spreadsheet would run.

    Raises:
        OSError: the file can't be written, or its reader is gone.
        adbc_driver_manager.Error: the database can't be reached, refuses the query, or went away in the middle.
    """
    with dbapi.connect(url) as connection, connection.cursor() as cursor:
        # The rows come within this transaction. Limits that the role has for queries must not cut an export off; and it
        # takes what it gets for UTF-8.
        for name, value in (("statement_timeout", "0"), ("lock_timeout", "0"), *MEANINGS.items()):
            cursor.execute(f"SET LOCAL {name} = '{value}'")
        cursor.adbc_statement.set_options(**{"adbc.postgresql.batch_size_hint_bytes": str(_BATCH_BYTES)})
        cursor.execute(query if raw or format_ is Format.PARQUET else _for_spreadsheets(cursor, query))
        rows = RecordBatchReader.from_arrow(cursor.fetch_arrow())
        with _progress() as progress:
            passage = _Passage(rows, file, progress)
            batches = RecordBatchReader.from_batches(rows.schema, passage.batches())
            sink = cast("IO[bytes]", passage)  # type checkers don't accept a raw file here
            match format_:
                case Format.CSV:
                    arro3.io.write_csv(batches, sink)
                case Format.PARQUET:
                    arro3.io.write_parquet(batches, sink, compression="zstd(3)", max_row_group_size=_ROW_GROUP)
        if passage.failure is not None:
            raise passage.failure


def _for_spreadsheets(cursor: dbapi.Cursor, query: str) -> str:
    """Return the query with its texts such that no spreadsheet runs them. Numbers and times stay what they are."""
    cursor.adbc_statement.set_sql_query(query)
    columns = Schema.from_arrow(cursor.adbc_statement.execute_schema())
    selected = [
        (spreadsheet_text_sql(name) if DataType.is_string(type_) else sql.Identifier(name)).as_string()
        for name, type_ in zip(columns.names, columns.types, strict=True)
    ]
    return f"SELECT {', '.join(selected)} FROM ({query}) AS exported"  # noqa: S608 - our own query, and quoted names


class _Passage(RawIOBase):
    """Both ends of arro3's writer: its input batches and its output file.

    An exception must not pass through the writer: it would lose its type or become a panic. So a failure is stored here
    and ends the batches.

    Attributes:
        failure: the error of the database or the file, if any.
    """

    def __init__(self, rows: RecordBatchReader, file: IO[bytes], progress: Progress) -> None:
        super().__init__()
        self.failure: Exception | None = None
        self._rows = rows
        self._file = file
        self._progress = progress

    def batches(self) -> Iterator[RecordBatch]:
        """Yield the database's batches, up to the end or the first failure."""
        task = self._progress.add_task("Exporting", total=None)
        try:
            for batch in self._rows:
                self._progress.advance(task, batch.num_rows)
                yield batch
                if self.failure is not None:
                    return
        except Exception as error:  # noqa: BLE001 - arro3 has no specific error for a failing producer
            self.failure = adbc_driver_manager.OperationalError(
                str(error), status_code=adbc_driver_manager.AdbcStatusCode.IO
            )

    def writable(self) -> bool:
        """Return True: the file is writable."""
        return True

    def write(self, data: Any, /) -> int:
        """Write to the file; discard the data once it has failed."""
        if self.failure is None:
            try:
                self._file.write(data)
            except OSError as error:
                self.failure = error
        return len(data)


def _progress() -> Progress:
    """Return a progress display; it shows nothing if standard error is not a terminal."""
    columns = (SpinnerColumn(), TextColumn("{task.completed:,.0f} rows"), TimeElapsedColumn())
    console = Console(stderr=True)
    return Progress(*columns, console=console, disable=not console.is_terminal, redirect_stdout=False)
