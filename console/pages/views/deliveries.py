"""`/deliveries`: the ledger, latest first."""

from uuid import UUID

from console.pages.asking import Asking
from console.pages.listing import FILE_ROWS, PAGE_ROWS, Column, Kind, Listing, following, to
from console.pages.refusals import WrongQueryError
from console.pages.site import Shown, with_files
from console.pages.views.sessions import what_hides
from console.queries.deliveries import DeliveryFilter, find_deliveries
from workers.reading.status import Status

_COLUMNS = (
    Column("received_at", "Received", Kind.TIME, to("/deliveries", "id")),
    Column("status", "Status", Kind.STATUS),
    Column("event", "Event"),
    Column("error", "Error"),
    Column("session_id", "Session", Kind.ID, to("/sessions", "session_id")),
    Column("meeting_id", "Meeting", Kind.ID, to("/meetings", "meeting_id")),
    Column("provider", "From"),
    Column("id", "Delivery", Kind.ID, to("/deliveries", "id")),
)
FILTERS = {
    "from": "from",
    "to": "to",
    "status": "status",
    "event": "event",
    "session": "session",
    "error": "error",
    "id": "id",
}
_ID_DIGITS = 32


def chosen_deliveries(asking: Asking) -> DeliveryFilter:
    """Return which deliveries the query chooses.

    Raises:
        WrongQueryError: a part of it can't be read.
    """
    return DeliveryFilter(
        received=asking.range(),
        status=asking.one_of("status", Status),
        event=asking.text("event"),
        session=asking.text("session"),
        error=asking.text("error"),
        start_of_id=asking.read("id", _start_of_id, "the start of a delivery's id"),
    )


def deliveries(asking: Asking) -> Shown:
    """Return the page."""
    chosen = chosen_deliveries(asking)
    limit = FILE_ROWS if asking.text("csv") is not None else PAGE_ROWS
    rows = find_deliveries(asking.tables, chosen, limit + 1, asking.uuid("after"), asking.now)
    listing = Listing(
        "deliveries", "Deliveries, latest first", _COLUMNS, rows[:limit], what_hides(asking, FILTERS, "deliveries"),
        next=asking.link(after=rows[limit - 1]["id"]) if len(rows) > limit else None,
        rest=following(
            rows[:limit], limit, lambda last: find_deliveries(asking.tables, chosen, limit, last["id"], asking.now)
        ),
    )  # fmt: skip
    values = {
        "looks_back": chosen.looks_back,
        "sees_people": asking.tables.shows("deliveries", "error"),
        "filters": {name: asking.text(name) for name in FILTERS},
        "statuses": list(Status),
        "has_filter": any(asking.text(name) for name in FILTERS),
        "replay": asking.link(after=None).replace("/deliveries", "/acts/replay", 1),
    }
    return Shown("deliveries.html", "Deliveries", values, (with_files(asking, listing),))


def _start_of_id(text: str) -> str:
    digits = text.lower().replace("-", "")
    if not digits or len(digits) > _ID_DIGITS or set(digits) - set("0123456789abcdef"):
        raise ValueError
    return text


def uuid_in(asking: Asking, what: str) -> UUID:
    """Return the id in the address: of a delivery, or of whatever else has one like it.

    Raises:
        WrongQueryError: it is none.
    """
    try:
        return UUID(asking.part("id"))
    except ValueError:
        raise WrongQueryError("id", f"the id of {what}") from None
