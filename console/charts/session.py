"""The chart of a session: who was connected when, what was recorded, and how many were there at once."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, tzinfo
from typing import Any

from console.charts.axis import Axis, Stretch, Tick
from console.charts.telling import Told, place_of

Row = dict[str, Any]

WIDTH = 1080
LABELS = 190
_PLOT = WIDTH - LABELS - 20
_TOP = 92
_CURVE_HEIGHT = 46
_LANE = 14
_PADDING = 8
_LEAST_WIDTH = 2.0
_MOST_LABEL = 26
_MOST_HATCHED = 36.0
# The ends that an event states; others are inferred.
_STATED = frozenset({"event", "api"})


@dataclass(frozen=True, slots=True)
class Bar:
    """A stretch of time in a row.

    Attributes:
        x: where it begins.
        y: its top.
        width: how long it is.
        hatched: how much of its end is hatched: the end is inferred.
        is_open: whether it still goes on.
        is_other: whether its times are from the vendor's API.
        link: the address of the delivery or observation that states its beginning.
        end_link: likewise, its end, if that is stated.
        says: what it says at the pointer.
    """

    x: float
    y: float
    width: float
    hatched: float
    is_open: bool
    is_other: bool
    link: str | None
    end_link: str | None
    says: str


@dataclass(frozen=True, slots=True)
class Mark:
    """A moment in a row: a file that arrived."""

    x: float
    y: float
    link: str | None
    says: str


@dataclass(slots=True)
class Line:
    """A row: a person, a recording, or the files."""

    label: str
    y: float
    height: float
    bars: list[Bar] = field(default_factory=list)
    marks: list[Mark] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class SessionChart:
    """The chart, worked out."""

    width: int
    height: float
    labels: int
    plot: int
    top: float
    ticks: Sequence[Tick]
    folds: Sequence[tuple[float, float, str]]
    people: Sequence[Line]
    tapes: Sequence[Line]
    files: Line | None
    curve: str
    most: int
    hatched: str
    ended: str | None
    has_other: bool
    has_open: bool

    @property
    def has_inferred(self) -> bool:
        """Whether an end is inferred."""
        return bool(self.hatched)


def draw(told: Told, zone: tzinfo, *, folds: bool) -> SessionChart | None:
    """Return the chart; None if there is nothing to draw.

    Args:
        told: what the tables say.
        zone: of the times on the axis.
        folds: whether gaps of more than ten minutes are folded.
    """
    stretches = list(_stretches(told))
    if not stretches:
        return None
    axis = Axis(stretches, _PLOT, folds=folds)
    y: float = _TOP
    people: list[Line] = []
    for label, connections in _by_person(told.connections):
        line = _person(label, connections, axis, y, told)
        people.append(line)
        y += line.height
    tapes: list[Line] = []
    for recording in told.recordings:
        tapes += _tape(recording, axis, y, told)
        y = tapes[-1].y + tapes[-1].height if tapes else y
    files = _files(axis, y, told)
    y += files.height if files else 0
    bars = [bar for line in people for bar in line.bars]
    return SessionChart(
        width=WIDTH, height=y + 26, labels=LABELS, plot=_PLOT, top=_TOP, ticks=axis.ticks(zone),
        folds=[(piece.x, piece.width, _length(piece.start, piece.end)) for piece in axis.folds],
        people=people, tapes=tapes, files=files, curve=_curve(told.concurrency, axis),
        most=max((row["present"] for row in told.concurrency), default=0),
        hatched="".join(map(_hatched, bars)),
        ended=next((place_of(row) for row in reversed(told.entries) if row["kind"] == "session.ended"), None),
        has_other=any(bar.is_other for bar in bars),
        has_open=any(bar.is_open for bar in bars),
    )  # fmt: skip


def _hatched(bar: Bar) -> str:
    """Return the hatched end of a bar as a part of a path."""
    if not bar.hatched:
        return ""
    return f"M{round(bar.x + bar.width - bar.hatched, 1)} {bar.y}h{bar.hatched}v11h-{bar.hatched}z"


def _stretches(told: Told) -> Iterable[Stretch]:
    for row in told.connections:
        if row["joined_at"] is not None:
            yield row["joined_at"], max(row["joined_at"], row["present_until"] or row["joined_at"])
    for row in told.recordings:
        if row["started_at"] is not None:
            yield row["started_at"], _stop(row, told)
    for row in told.entries:
        yield row["occurred_at"], row["occurred_at"]
    for at in (told.session["started_at"], told.session["ended_at"]):
        if at is not None:
            yield at, at


def _by_person(connections: Sequence[Row]) -> list[tuple[str, list[Row]]]:
    """Return the connections of each person, in the order of their first joins, with what they are called."""
    people: dict[str, list[Row]] = {}
    for row in connections:
        if row["joined_at"] is not None:
            people.setdefault(row["custom_participant_id"] or row["peer_id"], []).append(row)
    labelled = []
    for person, rows in people.items():
        names = [row["display_name"] for row in rows if row["display_name"]]
        labelled.append((str(names[-1] if names else person)[:_MOST_LABEL], rows))
    return labelled


def _person(label: str, connections: Sequence[Row], axis: Axis, y: float, told: Told) -> Line:
    line = Line(label, y, 0)
    lanes: list[datetime] = []
    for row in connections:
        start, end = row["joined_at"], max(row["joined_at"], row["present_until"] or row["joined_at"])
        lane = next((number for number, free in enumerate(lanes) if free <= start), len(lanes))
        lanes[lane:] = [end, *lanes[lane + 1 :]]
        x = axis.x(start)
        width = max(_LEAST_WIDTH, round(axis.x(end) - x, 1))
        is_open = row["left_at"] is None
        is_inferred = not is_open and row["left_source"] not in _STATED
        line.bars.append(
            Bar(
                x=x, y=y + _PADDING // 2 + lane * _LANE, width=width,
                hatched=round(min(_MOST_HATCHED, width / 2), 1) if is_inferred else 0.0, is_open=is_open,
                is_other=row["left_source"] == "api" or row["joined_source"] == "api",
                link=told.place_of_join(row) or told.place_of_leave(row),
                end_link=None if is_inferred else told.place_of_leave(row),
                says=_says(label, start, end, is_open=is_open, is_inferred=is_inferred),
            )
        )  # fmt: skip
    line.height = _PADDING + _LANE * len(lanes)
    return line


def _says(label: str, start: datetime, end: datetime, *, is_open: bool, is_inferred: bool) -> str:
    how = ", still connected" if is_open else ", end inferred" if is_inferred else ""
    return f"{label}: {_length(start, end)}{how}"


def _length(start: datetime, end: datetime) -> str:
    minutes, seconds = divmod(int((end - start).total_seconds()), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes:02} min" if hours else f"{minutes} min {seconds:02} s"


def _stop(recording: Row, told: Told) -> datetime:
    goes_on = recording["status"] in {"RECORDING", "PAUSED"}
    start: datetime = recording["started_at"]
    end: datetime = recording["stopped_at"] or (told.until if goes_on else start)
    return max(end, start)


def _tape(recording: Row, axis: Axis, y: float, told: Told) -> list[Line]:
    """Return the row of a recording, with a bar for each stretch without a pause."""
    if recording["started_at"] is None:
        return []
    end, start = _stop(recording, told), recording["started_at"]
    line = Line("Recording", y, _PADDING + _LANE)
    running: datetime | None = start
    stretches: list[tuple[datetime, datetime, str | None]] = []
    said = next((place_of(entry) for entry in told.entries if entry["subject_id"] == recording["id"]), None)
    for entry in told.entries:
        if entry["subject_id"] != recording["id"] or not start <= entry["occurred_at"] <= end:
            continue
        if entry["kind"] == "recording.paused" and running is not None:
            stretches.append((running, entry["occurred_at"], said))
            running = None
        elif entry["kind"] == "recording.recording" and running is None:
            running, said = entry["occurred_at"], place_of(entry)
    if running is not None:
        stretches.append((running, end, said))
    for begun, stopped, link in stretches:
        x = axis.x(begun)
        width = max(_LEAST_WIDTH, round(axis.x(stopped) - x, 1))
        says = f"Recording {recording['status'] or ''}: {_length(begun, stopped)}"
        line.bars.append(
            Bar(x, y + _PADDING / 2, width, 0.0, recording["stopped_at"] is None, False, link, None, says)  # noqa: FBT003
        )
    return [line]


def _files(axis: Axis, y: float, told: Told) -> Line | None:
    arrived = [row for row in told.entries if row["kind"].endswith((".uploaded", ".available"))]
    if not arrived:
        return None
    line = Line("Files", y, _PADDING + _LANE)
    for row in arrived:
        what = row["kind"].replace(".", " ").replace("_", " ")
        line.marks.append(Mark(axis.x(row["occurred_at"]), y + _PADDING / 2 + _LANE / 2, place_of(row), what))
    return line


def _curve(concurrency: Sequence[Row], axis: Axis) -> str:
    """Return the number of connections over time as a path: steps above the rows."""
    most = max((row["present"] for row in concurrency), default=0)
    if not most:
        return ""
    base = _TOP - 14
    first = axis.x(concurrency[0]["at"])
    steps, last = [f"M{first} {base}"], base
    for row in concurrency:
        height = round(base - _CURVE_HEIGHT * row["present"] / most, 1)
        steps.append(f"H{axis.x(row['at'])}V{height}")
        last = height
    # Those who are still there have no step down.
    steps.append(f"H{axis.width}V{base}Z" if last < base else "Z")
    return "".join(steps)
