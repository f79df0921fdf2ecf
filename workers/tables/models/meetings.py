"""The models of organizations and their meetings."""

from sqlalchemy import Index
from sqlalchemy.orm import Mapped, mapped_column

from workers.tables.models.holding import FreeText, Plain, PlainUuid, Time
from workers.tables.models.schema import Base


class Organization(Base):
    """An organization: the account at the vendor that owns meetings."""

    __tablename__ = "organizations"

    id: Mapped[Plain] = mapped_column(primary_key=True)
    name: Mapped[FreeText | None]
    name_by: Mapped[PlainUuid | None]


class Meeting(Base):
    """A meeting: a permanent room, in which sessions take place."""

    __tablename__ = "meetings"
    __table_args__ = (
        Index("meetings_of_organization", "organization_id"),
        {"postgresql_with": {"fillfactor": 50}},
    )

    id: Mapped[Plain] = mapped_column(primary_key=True)
    organization_id: Mapped[Plain | None]
    title: Mapped[FreeText | None]
    room_name: Mapped[FreeText | None]
    created_at: Mapped[Time | None] = mapped_column(doc="The earliest creation time reported.")
    organization_by: Mapped[PlainUuid | None]
    title_by: Mapped[PlainUuid | None]
    room_name_by: Mapped[PlainUuid | None]
