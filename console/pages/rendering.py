"""Templates and what they may call."""

from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from console.pages import shapes

_FOLDER = Path(__file__).parent / "templates"
_CHARTS = Path(__file__).parents[1] / "charts"


class Templates:
    """The templates, loaded once."""

    def __init__(self) -> None:
        self._environment = Environment(
            loader=FileSystemLoader([_FOLDER, _CHARTS]),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
            auto_reload=False,
        )
        self._environment.filters.update(
            text=shapes.text,
            short=shapes.short,
            moment=shapes.moment,
            moment_utc=shapes.moment_utc,
            clock=shapes.clock,
            duration=shapes.duration,
            number=shapes.number,
            size=shapes.size,
            share=shapes.share,
            web_link=shapes.web_link,
            segment=shapes.segment,
            host=shapes.host,
        )

    def page(self, name: str, /, **values: Any) -> str:
        """Return a page as HTML."""
        return self._environment.get_template(name).render(**values)
