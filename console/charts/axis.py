"""A time axis that folds stretches in which nothing happens."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta, tzinfo

Stretch = tuple[datetime, datetime]

# Shorter ones are shown as they are.
LEAST_FOLDED = timedelta(minutes=10)
_FOLD_WIDTH = 28.0
_MOST_TICKS = 12
_STEPS = tuple(
    timedelta(minutes=minutes) for minutes in (1, 2, 5, 10, 15, 30, 60, 120, 180, 360, 720, 1440, 2880, 10080)
)


@dataclass(frozen=True, slots=True)
class Piece:
    """A part of the axis.

    Attributes:
        start: where it begins.
        end: where it ends.
        x: where it is drawn.
        width: how wide.
        is_folded: whether it is narrower than its time.
    """

    start: datetime
    end: datetime
    x: float
    width: float
    is_folded: bool


@dataclass(frozen=True, slots=True)
class Tick:
    """A mark of the axis.

    Attributes:
        x: where it is drawn.
        label: the time of the day.
    """

    x: float
    label: str


class Axis:
    """Turns times into places between 0 and a width."""

    def __init__(self, stretches: Iterable[Stretch], width: float, *, folds: bool) -> None:
        """Lay the axis out.

        Args:
            stretches: when something happens; the axis goes from the first to the last of them.
            width: of the whole.
            folds: whether gaps of more than ten minutes are folded.
        """
        busy = _merged(stretches)
        parts: list[tuple[datetime, datetime, bool]] = []
        for number, (start, end) in enumerate(busy):
            if number:
                parts.append((busy[number - 1][1], start, folds and start - busy[number - 1][1] > LEAST_FOLDED))
            parts.append((start, end, False))
        shown = sum((end - start).total_seconds() for start, end, is_folded in parts if not is_folded)
        room = width - _FOLD_WIDTH * sum(is_folded for *_, is_folded in parts)
        scale = max(room, width / 4) / shown if shown else 0.0
        fold = min(_FOLD_WIDTH, (width - width / 4) / max(1, sum(is_folded for *_, is_folded in parts)))
        pieces, x = [], 0.0
        for start, end, is_folded in parts:
            wide = fold if is_folded else (end - start).total_seconds() * scale
            pieces.append(Piece(start, end, x, wide, is_folded))
            x += wide
        self.pieces: Sequence[Piece] = pieces
        self.width = width

    @property
    def folds(self) -> list[Piece]:
        """The parts that are folded."""
        return [piece for piece in self.pieces if piece.is_folded]

    def x(self, at: datetime) -> float:
        """Return where a time is drawn; one before the start at the start, one after the end at the end."""
        for piece in self.pieces:
            if at <= piece.end:
                length = (piece.end - piece.start).total_seconds()
                share = (at - piece.start).total_seconds() / length if length else 0.0
                return round(piece.x + max(0.0, share) * piece.width, 1)
        return self.width if self.pieces else 0.0

    def ticks(self, zone: tzinfo) -> list[Tick]:
        """Return marks at full minutes, hours or days, as a clock in a zone shows them, with room between them."""
        shown = sum(((piece.end - piece.start) for piece in self.pieces if not piece.is_folded), timedelta())
        step = next((step for step in _STEPS if shown / step <= _MOST_TICKS), _STEPS[-1])
        ticks: list[Tick] = []
        for piece in self.pieces:
            if piece.is_folded:
                continue
            local = piece.start.astimezone(zone)
            midnight = local.replace(hour=0, minute=0, second=0, microsecond=0)
            at = midnight + step * -(-(local - midnight) // step)
            while at <= piece.end:
                x = self.x(at)
                if not ticks or x - ticks[-1].x > self.width / _MOST_TICKS / 2:
                    ticks.append(Tick(x, f"{at:%H:%M}" if step < timedelta(days=1) else f"{at:%d %b}"))
                at += step
        return ticks


def _merged(stretches: Iterable[Stretch]) -> list[Stretch]:
    merged: list[Stretch] = []
    for start, end in sorted(stretches):
        if merged and start <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(end, merged[-1][1]))
        else:
            merged.append((start, max(start, end)))
    return merged
