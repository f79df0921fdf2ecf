"""`rollcall export`: tables and views as files, streamed from Postgres to disk."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import datetime
from pathlib import Path
from typing import IO, Annotated

import typer

from console.exports.content import Content, export_query
from console.exports.format import Format
from console.failure import CommandFailedError
from console.queries.tables import open_tables
from console.since import SINCE_TAKES, since
from runtime.addresses import database_url
from runtime.environment import read_environment
from runtime.passwords import reason

_MISSING = (
    "The packages for `rollcall export` are missing; not every platform has them (README: Platforms). "
    "Run `make env` if this one has them, or use \\copy in `rollcall psql`."
)


def export(  # noqa: PLR0913, PLR0917 - an option each
    content: Annotated[Content, typer.Argument(help="What to export.", show_default=False)],
    format_: Annotated[Format, typer.Option("--format", help="The file format.")] = Format.CSV,
    since_: Annotated[
        datetime | None,
        typer.Option("--since", parser=since, metavar="T", help=f"Only sessions started since then: {SINCE_TAKES}."),
    ] = None,
    until: Annotated[
        datetime | None,
        typer.Option("--until", parser=since, metavar="T", help="Only sessions started before then; as --since."),
    ] = None,
    raw: Annotated[  # noqa: FBT002 - a flag of the command line
        bool,
        typer.Option("--raw", help="Leave texts in CSV as they are, for programs: a spreadsheet may run some of them."),
    ] = False,
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", dir_okay=False, help="The file. [default: standard output]", show_default=False),
    ] = None,
) -> None:
    """Export attendance, sessions, participants or recordings to a file of any size.

    With --since and --until only rows of sessions that started in that period are exported; sessions with an unknown
    start are left out. The file appears under its name once it is complete.

    In CSV, a text that a spreadsheet would run as a formula gets a leading apostrophe, unless --raw is given; Parquet
    keeps every text unchanged.
    """
    if output is None and format_ is Format.PARQUET and sys.stdout.isatty():
        raise CommandFailedError("A Parquet file can't be shown in a terminal: name a file with --output.")
    try:
        # Imported here, because some platforms lack these packages; everything else works without them.
        from adbc_driver_manager import Error as BrokenOffError  # noqa: PLC0415

        from console.exports.stream import write_rows  # noqa: PLC0415
    except ImportError:
        raise CommandFailedError(_MISSING) from None
    # Fails with a clear message if the database is away or has no tables, before a file is created.
    with open_tables() as tables:
        tables.rows("SELECT FROM rollcall.session_summary LIMIT 0")
    url = database_url(read_environment())
    query = export_query(content, since_, until)
    try:
        if output is None:
            write_rows(url, query, format_, sys.stdout.buffer, raw=raw)
            sys.stdout.buffer.flush()
        else:
            with _appearing_when_whole(output) as file:
                write_rows(url, query, format_, file, raw=raw)
    except BrokenPipeError:
        _give_up_output()  # the reader has closed the pipe
    except OSError as error:
        if output is None:
            _give_up_output()
        raise CommandFailedError(
            f"{output or 'The output'} can't be written: {error.strerror or error}. Nothing was left behind."
        ) from error
    except BrokenOffError as error:
        raise CommandFailedError(
            f"The export failed: {reason(error, url)} No file was left behind; retry once the database answers."
        ) from error


def _give_up_output() -> None:
    """Close standard output, so that the exit does not try to flush its buffer again."""
    with suppress(OSError):
        sys.stdout.close()


@contextmanager
def _appearing_when_whole(path: Path) -> Iterator[IO[bytes]]:
    """Open a temporary file beside `path` that replaces it at the end, and is removed on failure.

    An existing path that is not a regular file (a pipe, a device) is written to directly.
    """
    if path.exists() and not path.is_file():
        with path.open("wb") as file:
            yield file
        return
    part = path.with_name(path.name + ".part")
    try:
        with part.open("wb") as file:
            yield file
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)
