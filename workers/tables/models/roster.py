"""The models of who is expected, and of what was told of them."""

from sqlalchemy import CheckConstraint, Index, text
from sqlalchemy.orm import Mapped, mapped_column

from workers.tables.models.holding import Exact, PersonId, PersonName, Plain, Time, Whole
from workers.tables.models.schema import Base


class Expected(Base):
    """Someone expected in a meeting between two times."""

    __tablename__ = "roster"
    __table_args__ = (
        CheckConstraint("ends_at > starts_at", name="ends_at"),
        CheckConstraint("minimum_share >= 0 AND minimum_share <= 1", name="minimum_share"),
        Index("roster_by_end", "ends_at"),
    )

    meeting_id: Mapped[Plain] = mapped_column(primary_key=True)
    person: Mapped[PersonId] = mapped_column(primary_key=True, doc="As `attendance.person`.")
    starts_at: Mapped[Time] = mapped_column(primary_key=True)
    ends_at: Mapped[Time]
    display_name: Mapped[PersonName | None]
    minimum_share: Mapped[Exact | None] = mapped_column(
        doc="From 0 to 1: the share of the time that counts as attended; null: any time at all."
    )


class Verdict(Base):
    """What was told last of someone expected."""

    __tablename__ = "roster_verdicts"

    meeting_id: Mapped[Plain] = mapped_column(primary_key=True)
    person: Mapped[PersonId] = mapped_column(primary_key=True)
    starts_at: Mapped[Time] = mapped_column(primary_key=True)
    verdict: Mapped[Plain] = mapped_column(doc="attended, below_threshold or no_show.")
    revision: Mapped[Whole] = mapped_column(server_default="0", doc="How many messages were made of it.")
    decided_at: Mapped[Time] = mapped_column(server_default=text("now()"))
