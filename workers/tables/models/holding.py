"""The data map: what each column holds of a person. Each column of a model is declared with one of these types.

Code that shows, sends or deletes rows reads it here instead of keeping a list: a page for people who may not see
names, a message without personal data, forgetting a person.
"""

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import Annotated, Any
from uuid import UUID

from sqlalchemy.orm import MappedColumn, mapped_column


class Holding(StrEnum):
    """What a column holds of a person."""

    NOTHING = "nothing"
    """Times, states, counts, and ids of things: sessions, meetings, organizations, recordings, deliveries."""
    PEER = "peer"
    """The vendor's id of one connection: it leads to a person only by the rest of its row."""
    ID = "id"
    """The person's id in the user's own app."""
    NAME = "name"
    """What the person called themselves."""
    TEXT = "text"
    """Text that people wrote, which may name anyone."""
    LINK = "link"
    """A link to what people said and showed; anyone who has it can open it."""
    PAYLOAD = "payload"
    """What the vendor sent, with all of these in it."""


def _holding(what: Holding) -> MappedColumn[Any]:
    return mapped_column(info={"holding": what})


PeerId = Annotated[str, _holding(Holding.PEER)]
PersonId = Annotated[str, _holding(Holding.ID)]
PersonName = Annotated[str, _holding(Holding.NAME)]
FreeText = Annotated[str, _holding(Holding.TEXT)]
Link = Annotated[str, _holding(Holding.LINK)]
Payload = Annotated[dict[str, Any], _holding(Holding.PAYLOAD)]
Raw = Annotated[bytes, _holding(Holding.PAYLOAD)]
Plain = Annotated[str, _holding(Holding.NOTHING)]
PlainUuid = Annotated[UUID, _holding(Holding.NOTHING)]
Digest = Annotated[bytes, _holding(Holding.NOTHING)]
Time = Annotated[datetime, _holding(Holding.NOTHING)]
Exact = Annotated[Decimal, _holding(Holding.NOTHING)]
Truth = Annotated[bool, _holding(Holding.NOTHING)]
Whole = Annotated[int, _holding(Holding.NOTHING)]

OF_VIEWS: Mapping[str, Mapping[str, Holding]] = {
    "session_summary": {"title": Holding.TEXT},
    "attendance": {"person": Holding.ID, "display_name": Holding.NAME},
    "concurrency": {},
    "daily_usage": {},
    "capture": {},
    "session_drift": {},
    "roster_attendance": {"person": Holding.ID, "display_name": Holding.NAME},
}
"""The same for the views: the columns that hold something."""
