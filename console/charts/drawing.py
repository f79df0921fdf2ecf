"""Charts as files: the SVG that pages show, with its colours in it."""

from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from console.charts.session import SessionChart
from console.screen.plain_text import plain


def svg_of(chart: SessionChart) -> str:
    """Return a session's chart as an SVG document of its own."""
    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["text"] = plain
    return environment.get_template("session.svg").render(chart=chart, standalone=True)
