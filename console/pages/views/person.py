"""`/people/ID`: a person's sessions. Who looks at it is written down."""

from dataclasses import dataclass

from console.pages.asking import Asking
from console.pages.audit import note
from console.pages.database import Database
from console.pages.entrance.keys import ConsoleKeys
from console.pages.listing import FILE_ROWS, PAGE_ROWS, Column, Kind, Listing, following, to
from console.pages.refusals import NotAllowedError
from console.pages.site import Shown, with_files
from console.pages.views.sessions import what_hides
from console.queries.people import sessions_of_person
from console.queries.sessions import Place
from console.queries.tables import Row

_COLUMNS = (
    Column("started_at", "Started", Kind.TIME, to("/sessions", "session_id")),
    Column("title", "Title", link=to("/sessions", "session_id")),
    Column("first_joined_at", "Joined", Kind.TIME),
    Column("last_left_at", "Left", Kind.TIME),
    Column("connections", "Connections", Kind.NUMBER),
    Column("rejoins", "Rejoins", Kind.NUMBER),
    Column("attended_minutes", "Minutes", Kind.MINUTES),
    Column("share", "Share", Kind.SHARE),
    Column("display_name", "As"),
    Column("session_id", "Session", Kind.ID, to("/sessions", "session_id")),
)
_FILTERS = {"from": "from", "to": "to"}


@dataclass(frozen=True, slots=True)
class PersonPage:
    """The page, with what it needs to write down who looks at it."""

    database: Database
    keys: ConsoleKeys

    def page(self, asking: Asking) -> Shown:
        """Return the page.

        Raises:
            NotAllowedError: the role does not show people.
        """
        if not asking.tables.shows("participants", "custom_participant_id"):
            raise NotAllowedError("Your role does not show people.")
        person = asking.part("id")
        with self.database.changing() as connection:
            note(connection, asking.visitor, "look at a person", self.keys.person(person))
        limit = FILE_ROWS if asking.text("csv") is not None else PAGE_ROWS
        after = asking.read("after", Place.read, "the end of a page")
        started = asking.range()

        def read(number: int, place: Place | None) -> list[Row]:
            return [
                {**row, "rejoins": row["connections"] - 1, "attended_minutes": row["attended_seconds"] / 60}
                for row in sessions_of_person(asking.tables, person, started, number, place)
            ]

        rows = read(limit + 1, after)
        listing = Listing(
            "sessions", "Their sessions, latest first", _COLUMNS, rows[:limit],
            what_hides(asking, _FILTERS, "sessions of a person with this id"),
            next=asking.link(after=Place.of(rows[limit - 1])) if len(rows) > limit else None,
            rest=following(rows[:limit], limit, lambda last: read(limit, Place.of(last))),
        )  # fmt: skip
        names = [row["display_name"] for row in rows if row["display_name"]]
        values = {
            "person": person,
            "name": names[0] if names else None,
            "filters": {name: asking.text(name) for name in _FILTERS},
            "minutes": sum(row["attended_minutes"] for row in rows[:limit]),
            "rejoins": sum(row["rejoins"] for row in rows[:limit]),
            "count": len(rows[:limit]),
        }
        return Shown("person.html", str(names[0] if names else person)[:120], values, (with_files(asking, listing),))
