"""`rollcall export`: tables and views as files, streamed from Postgres to the disk."""

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
    "`rollcall export` lacks its packages, which do not exist for every platform (README: Platforms). "
    "Call `make env` if this one has them; else use \\copy in `rollcall psql`."
)


def export(  # noqa: PLR0913, PLR0917 - an option each
    content: Annotated[Content, typer.Argument(help="What to export.", show_default=False)],
    format_: Annotated[Format, typer.Option("--format", help="The kind of file.")] = Format.CSV,
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
    """Write attendance, sessions, participants or recordings to a file, however many there are.

    With --since and --until it is what belongs to sessions that started in that time; sessions whose start is not known
    are then left out. The file appears under its name once it is whole.

    In CSV, a text that a spreadsheet would run as a formula has an apostrophe in front, unless --raw is given; Parquet
    holds every text as it is.
    """
    if output is None and format_ is Format.PARQUET and sys.stdout.isatty():
        raise CommandFailedError("A Parquet file is nothing for a terminal: name a file with --output.")
    try:
        # Here, because a platform may lack its packages; everything else works without them.
        from adbc_driver_manager import Error as BrokenOffError  # noqa: PLC0415

        from console.exports.stream import write_rows  # noqa: PLC0415
    except ImportError:
        raise CommandFailedError(_MISSING) from None
    # Says in one line what is wrong where the database is away or has no such tables, before a file is begun.
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
        _give_up_output()  # whoever reads has enough
    except OSError as error:
        if output is None:
            _give_up_output()
        raise CommandFailedError(
            f"{output or 'The output'} can't be written: {error.strerror or error}. Nothing was left behind."
        ) from error
    except BrokenOffError as error:
        raise CommandFailedError(
            f"The export broke off: {reason(error, url)} "
            "No file was left behind; call it again once the database answers."
        ) from error


def _give_up_output() -> None:
    """Close standard output: what is left in its buffer has nowhere to go, and the exit must not try again."""
    with suppress(OSError):
        sys.stdout.close()


@contextmanager
def _appearing_when_whole(path: Path) -> Iterator[IO[bytes]]:
    """Open a file beside `path` that takes its place at the end, and is removed if there is none.

    What is there already and no plain file (a pipe, a device) is written to as it is.
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
