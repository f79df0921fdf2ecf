"""`rollcall timeline --svg` and `--png`."""

from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

from console.charts.drawing import svg_of
from console.charts.session import draw
from console.charts.telling import tell
from console.failure import CommandFailedError
from console.queries.tables import Row, Tables

# Sharp on a screen with fine pixels.
_ZOOM = 2


def write_chart(tables: Tables, session: Row, tz: str, svg: Path | None, png: Path | None) -> None:
    """Write a session's chart to files.

    Args:
        tables: where the session is.
        session: its row.
        tz: the time zone of the axis.
        svg: the file for SVG, if wanted.
        png: the file for PNG, if wanted.

    Raises:
        CommandFailedError: there is no such zone, nothing to draw, or a file can't be written.
    """
    try:
        zone = ZoneInfo(tz)
    except (ValueError, OSError, LookupError):
        raise CommandFailedError(f"{tz!r} is not a time zone: use a name such as Europe/Berlin.") from None
    chart = draw(tell(tables, session, datetime.now(UTC)), zone, folds=True)
    if chart is None:
        raise CommandFailedError(f"Nothing is known of session {session['id']} that could be drawn.")
    drawn = svg_of(chart)
    for path, content in ((svg, drawn.encode()), (png, _pixels(drawn) if png is not None else b"")):
        if path is None:
            continue
        try:
            path.write_bytes(content)
        except OSError as error:
            raise CommandFailedError(f"{path} can't be written ({error.strerror}): name another file.") from None


def _pixels(drawn: str) -> bytes:
    try:
        import resvg_py  # noqa: PLC0415 - some platforms lack it; everything else works without
    except ImportError:
        raise CommandFailedError(
            "The package for --png is missing; not every platform has it. Run `make env` if this one has it, "
            "or use --svg."
        ) from None
    return bytes(resvg_py.svg_to_bytes(svg_string=drawn, zoom=_ZOOM))
