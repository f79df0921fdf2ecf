"""`/meetings/ID`: a meeting's sessions."""

from console.pages.asking import Asking
from console.pages.listing import FILE_ROWS, PAGE_ROWS, Listing, following
from console.pages.refusals import NotThereError
from console.pages.site import Shown, with_files
from console.pages.views.sessions import COLUMNS, what_hides
from console.queries.people import meeting_with
from console.queries.session_filter import SessionFilter
from console.queries.sessions import Place, find_sessions

_FILTERS = {"from": "from", "to": "to"}
_COLUMNS = tuple(column for column in COLUMNS if column.key != "meeting_id")


def meeting(asking: Asking) -> Shown:
    """Return the page."""
    meeting_id = asking.part("id")
    found = meeting_with(asking.tables, meeting_id)
    limit = FILE_ROWS if asking.text("csv") is not None else PAGE_ROWS
    chosen = SessionFilter(started=asking.range(), meeting=meeting_id)
    after = asking.read("after", Place.read, "the end of a page")
    rows = find_sessions(asking.tables, chosen, limit + 1, after)
    if found is None and not rows and not any(asking.text(name) for name in (*_FILTERS, "after")):
        raise NotThereError("meeting")
    listing = Listing(
        "sessions", "Its sessions, latest first", _COLUMNS, rows[:limit], what_hides(asking, _FILTERS, "sessions"),
        next=asking.link(after=Place.of(rows[limit - 1])) if len(rows) > limit else None,
        rest=following(
            rows[:limit], limit, lambda last: find_sessions(asking.tables, chosen, limit, Place.of(last))
        ),
    )  # fmt: skip
    title = (found["title"] if found else None) or f"Meeting {meeting_id[:8]}"
    values = {
        "meeting": found,
        "meeting_id": meeting_id,
        "filters": {name: asking.text(name) for name in _FILTERS},
    }
    return Shown("meeting.html", str(title)[:120], values, (with_files(asking, listing),))
