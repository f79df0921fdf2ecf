"""The chart of usage: a column a period."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil

WIDTH = 1080
HEIGHT = 150
_PLOT_HEIGHT = 110
_MOST_WIDTH = 40.0
# A date and the gap to the next one.
_LABEL_WIDTH = 90.0


@dataclass(frozen=True, slots=True)
class Block:
    """A column.

    Attributes:
        x: its left side.
        y: its top.
        width: how wide.
        height: how high.
        label: the period, where there is room to say so.
        says: what it says at the pointer.
    """

    x: float
    y: float
    width: float
    height: float
    label: str
    says: str


def draw_usage(totals: Sequence[tuple[str, float]]) -> list[Block]:
    """Return a column for each period with its participant minutes."""
    most = max((minutes for _, minutes in totals), default=0.0)
    if not most:
        return []
    room = min(_MOST_WIDTH, WIDTH / len(totals))
    every = ceil(_LABEL_WIDTH / room)
    blocks = []
    for number, (period, minutes) in enumerate(totals):
        height = round(_PLOT_HEIGHT * minutes / most, 1)
        has_room = number % every == 0 and number * room + _LABEL_WIDTH <= WIDTH
        label = period if has_room else ""
        blocks.append(
            Block(round(number * room, 1), _PLOT_HEIGHT + 10 - height, round(room * 0.8, 1), height, label,
                  f"{period}: {minutes:,.0f} participant minutes")
        )  # fmt: skip
    return blocks
