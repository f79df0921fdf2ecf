"""`/deliveries/ID`: one delivery: what came, what it came to, and why it may not have counted."""

import json

from console.failure import CommandFailedError
from console.pages.asking import Asking
from console.pages.listing import Column, Kind, Listing, to
from console.pages.refusals import NotThereError
from console.pages.site import Shown, with_files
from console.pages.views.deliveries import uuid_in
from console.queries.deliveries import entries_by, find_delivery, repeats_of
from console.queries.sight import HIDDEN
from console.queries.tables import Row
from console.screen.plain_text import plain_lines
from workers.reading.status import Status

_MOST_PAYLOAD = 100_000
_MOST_REPEATS = 100

_ENTRIES = (
    Column("occurred_at", "Time", Kind.TIME),
    Column("kind", "What"),
    Column("subject_id", "About", Kind.ID),
    Column("session_id", "Session", Kind.ID, to("/sessions", "session_id")),
)
_REPEATS = (
    Column("received_at", "Received", Kind.TIME, to("/deliveries", "id")),
    Column("provider", "From"),
    Column("delivery_uuid", "The vendor's id", Kind.ID),
    Column("webhook_id", "Webhook", Kind.ID),
    Column("id", "Delivery", Kind.ID, to("/deliveries", "id")),
)
_MEANINGS = {
    Status.PROCESSED: "Its event is in the tables.",
    Status.REPEAT: "Its body was received before, so it counts for nothing.",
    Status.UNKNOWN: "This version does not know the event, so it counts for nothing. After an upgrade, replay it.",
    Status.FOREIGN: "Its webhook or organization is not in WEBHOOK_IDS or ORGANIZATION_IDS, or it names none.",
    Status.QUARANTINED: "It can't be read, so it counts for nothing. After an upgrade, replay it.",
}


def delivery(asking: Asking) -> Shown:
    """Return the page."""
    wanted = uuid_in(asking, "a delivery")
    try:
        found = find_delivery(asking.tables, str(wanted))
    except CommandFailedError:
        raise NotThereError("delivery") from None
    values = {"delivery": found, "payload": payload_of(found), "meaning": _MEANINGS[Status(found["status"])]}
    listings = (
        Listing("entries", "What it put into timelines", _ENTRIES, entries_by(asking.tables, wanted),
                "It put nothing into a timeline."),
        Listing("repeats", "Deliveries of the same body that came later", _REPEATS,
                repeats_of(asking.tables, wanted, _MOST_REPEATS), "The same body came once."),
    )  # fmt: skip
    title = f"Delivery {str(wanted)[:18]}"
    return Shown("delivery.html", title, values, tuple(with_files(asking, one) for one in listings))


def payload_of(found: Row) -> str | None:
    """Return the body as text, cut where it is very long; None if this role does not see it, or there is none."""
    if found["payload"] is HIDDEN or found["raw"] is HIDDEN:
        return None
    if found["payload"] is not None:
        whole = json.dumps(found["payload"], ensure_ascii=False, indent=2)
    elif found["raw"] is not None:
        whole = bytes(found["raw"]).decode("utf-8", errors="replace")
    else:
        return None
    cut = whole if len(whole) <= _MOST_PAYLOAD else f"{whole[:_MOST_PAYLOAD]}\n…"
    return plain_lines(cut)
