"""`/observations/ID`: one answer of the vendor's API: what was asked, what it said, and what that came to."""

from console.pages.asking import Asking
from console.pages.listing import Column, Kind, Listing, to
from console.pages.refusals import NotThereError
from console.pages.site import Shown, with_files
from console.pages.views.deliveries import uuid_in
from console.pages.views.delivery import payload_of
from console.queries.observations import entries_observed, observation_with, observations_of_subject
from workers.queue.observation import ObservedKind

_MOST_OTHERS = 100

_ENTRIES = (
    Column("occurred_at", "Time", Kind.TIME),
    Column("kind", "What"),
    Column("subject_id", "About", Kind.ID),
    Column("session_id", "Session", Kind.ID, to("/sessions", "session_id")),
)
_OTHERS = (
    Column("observed_at", "Asked", Kind.TIME, to("/observations", "id")),
    Column("confirmed_at", "Last said", Kind.TIME),
    Column("error", "Error"),
    Column("id", "Observation", Kind.ID, to("/observations", "id")),
)
_ASKED = {
    ObservedKind.SESSION: "What the session is, and when it began and ended.",
    ObservedKind.PARTICIPANT: "Who was in the session, from when to when. This is one row of the answer.",
    ObservedKind.RECORDING: "What was recorded. This is one recording of the answer.",
}


def observation(asking: Asking) -> Shown:
    """Return the page."""
    wanted = uuid_in(asking, "an observation")
    found = observation_with(asking.tables, wanted)
    if found is None:
        raise NotThereError("observation")
    others = observations_of_subject(asking.tables, found, _MOST_OTHERS)
    values = {
        "observation": found,
        "asked": _ASKED[ObservedKind(found["kind"])],
        "payload": payload_of(found),
        "is_last": others[0]["id"] == wanted,
    }
    listings = (
        Listing("entries", "What it put into timelines", _ENTRIES, entries_observed(asking.tables, found),
                "It put nothing into a timeline: events or a later answer say it, or it states no time."),
        Listing("others", "Answers about the same that differ, latest first", _OTHERS,
                [row for row in others if row["id"] != wanted], "The API has said nothing else about it."),
    )  # fmt: skip
    title = f"Observation {str(wanted)[:18]}"
    return Shown("observation.html", title, values, tuple(with_files(asking, one) for one in listings))
