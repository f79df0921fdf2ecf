"""`/sessions`: the sessions, latest first, by many filters."""

from http import HTTPStatus
from urllib.parse import quote

from starlette.responses import RedirectResponse, Response

from console.pages.asking import Asking
from console.pages.listing import FILE_ROWS, PAGE_ROWS, Column, Kind, Listing, following, to
from console.pages.site import Shown, with_files
from console.queries.persons import narrowed
from console.queries.session_filter import SessionFilter
from console.queries.sessions import Place, find_sessions, session_with
from workers.rules.sessions import SessionStatus

COLUMNS = (
    Column("started_at", "Started", Kind.TIME, to("/sessions", "session_id")),
    Column("title", "Title", link=to("/sessions", "session_id")),
    Column("status", "Status", Kind.STATUS),
    Column("duration_seconds", "Length", Kind.LENGTH),
    Column("people", "People", Kind.NUMBER),
    Column("peak_concurrency", "Peak", Kind.NUMBER),
    Column("participant_minutes", "Minutes", Kind.MINUTES),
    Column("recording_minutes", "Recorded", Kind.MINUTES),
    Column("meeting_id", "Meeting", Kind.ID, to("/meetings", "meeting_id")),
    Column("session_id", "Session", Kind.ID, to("/sessions", "session_id")),
)
# As the form has them, with what they are called when they hide everything.
FILTERS = {
    "from": "from",
    "to": "to",
    "status": "status",
    "title": "title",
    "person": "person",
    "id": "id",
    "meeting": "meeting",
    "organization": "organization",
    "inferred": "inferred leaves",
    "set_aside": "set-aside deliveries",
}


def sessions(asking: Asking) -> Shown | Response:
    """Return the page."""
    start_of_id = asking.text("id")
    is_file = asking.text("csv") is not None
    if start_of_id is not None and not is_file and session_with(asking.tables, start_of_id) is not None:
        return RedirectResponse(f"/sessions/{quote(start_of_id, safe='')}", HTTPStatus.SEE_OTHER)
    wanted = SessionFilter(
        started=asking.range(),
        status=asking.one_of("status", SessionStatus),
        meeting=asking.text("meeting"),
        organization=asking.text("organization"),
        start_of_id=start_of_id,
        title=asking.text("title"),
        person=asking.text("person"),
        has_inferred=asking.text("inferred") is not None,
        has_set_aside=asking.text("set_aside") is not None,
    )
    chosen = narrowed(asking.tables, wanted)
    limit = FILE_ROWS if is_file else PAGE_ROWS
    after = asking.read("after", Place.read, "the end of a page")
    rows = find_sessions(asking.tables, chosen, limit + 1, after, asking.now)
    listing = Listing(
        "sessions",
        "Sessions, latest first",
        COLUMNS,
        rows[:limit],
        what_hides(asking, FILTERS, "sessions"),
        next=asking.link(after=Place.of(rows[limit - 1])) if len(rows) > limit else None,
        rest=following(
            rows[:limit],
            limit,
            lambda last: find_sessions(asking.tables, chosen, limit, Place.of(last), asking.now),
        ),
    )
    values = {
        "looks_back": chosen.looks_back,
        "sees_people": asking.tables.shows("participants", "display_name"),
        "filters": {name: asking.text(name) for name in FILTERS},
    }
    return Shown("sessions.html", "Sessions", values, (with_files(asking, listing),))


def what_hides(asking: Asking, filters: dict[str, str], what: str) -> str:
    """Return what an empty list says: which filters hide what there is."""
    used = [label for name, label in filters.items() if asking.text(name) is not None]
    if asking.text("after") is not None:
        return f"There are no more {what}."
    if not used:
        return f"There are no {what} yet."
    return f"No {what} match the filter{'s' if len(used) > 1 else ''}: {', '.join(used)}."
