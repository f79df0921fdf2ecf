"""`/recordings`: what was recorded, and whether it has arrived."""

from console.pages.asking import Asking
from console.pages.listing import FILE_ROWS, PAGE_ROWS, Column, Kind, Listing, following, to
from console.pages.site import Shown, with_files
from console.pages.views.sessions import what_hides
from console.queries.recordings import Arrival, RecordingFilter, find_recordings, place_of_recording
from console.queries.sessions import Place

_COLUMNS = (
    Column("session_started_at", "Session started", Kind.TIME, to("/sessions", "session_id")),
    Column("title", "Session", link=to("/sessions", "session_id")),
    Column("status", "Status", Kind.STATUS),
    Column("stopped_at", "Stopped", Kind.TIME),
    Column("stop_reason", "Stopped because"),
    Column("duration_seconds", "Length", Kind.LENGTH),
    Column("file_size", "Size", Kind.BYTES),
    Column("download_url_expires_at", "Link ends", Kind.TIME),
    Column("file_name", "File"),
    Column("id", "Recording", Kind.ID),
    Column("session_id", "Session", Kind.ID, to("/sessions", "session_id")),
    Column("started_at", "Started", Kind.TIME),
)
_FILTERS = {"from": "from", "to": "to", "arrival": "arrival"}


def recordings(asking: Asking) -> Shown:
    """Return the page."""
    chosen = RecordingFilter(started=asking.range(), arrival=asking.one_of("arrival", Arrival))
    limit = FILE_ROWS if asking.text("csv") is not None else PAGE_ROWS
    after = asking.read("after", Place.read, "the end of a page")
    rows = find_recordings(asking.tables, chosen, limit + 1, after, asking.now)
    listing = Listing(
        "recordings", "Recordings, those of the latest session first", _COLUMNS, rows[:limit],
        what_hides(asking, _FILTERS, "recordings"),
        next=asking.link(after=place_of_recording(rows[limit - 1])) if len(rows) > limit else None,
        rest=following(
            rows[:limit], limit,
            lambda last: find_recordings(asking.tables, chosen, limit, place_of_recording(last), asking.now),
        ),
    )  # fmt: skip
    values = {
        "looks_back": chosen.looks_back,
        "filters": {name: asking.text(name) for name in _FILTERS},
        "arrivals": list(Arrival),
    }
    return Shown("recordings.html", "Recordings", values, (with_files(asking, listing),))
