"""The models of what the vendor's API said, and of the sessions that it was asked about."""

from sqlalchemy import CheckConstraint, Index, text
from sqlalchemy.orm import Mapped, mapped_column

from workers.queue.delivery import Provider
from workers.queue.observation import ObservedKind
from workers.tables.models.holding import Digest, FreeText, Payload, PeerId, Plain, PlainUuid, Raw, Time, Truth, Whole
from workers.tables.models.schema import Base, one_of


class ObservationRow(Base):
    """An answer of the vendor's API about a session, a participant or a recording that was new or had changed."""

    __tablename__ = "observations"
    __table_args__ = (
        CheckConstraint(one_of("source", Provider), name="source"),
        CheckConstraint(one_of("kind", ObservedKind), name="kind"),
        Index("observations_of_subject", "kind", "subject_id", "id"),
        Index("observations_of_session", "session_id", postgresql_where=text("session_id IS NOT NULL")),
        {"postgresql_with": {"fillfactor": 90}},
    )

    id: Mapped[PlainUuid] = mapped_column(primary_key=True, doc="Sorts by `observed_at`.")
    source: Mapped[Plain] = mapped_column(doc="The dialect of the API: dyte or realtimekit.")
    kind: Mapped[Plain] = mapped_column(doc="session, participant or recording.")
    subject_id: Mapped[PeerId] = mapped_column(doc="The id of that. The last observation of a subject counts.")
    session_id: Mapped[Plain | None]
    organization_id: Mapped[Plain | None] = mapped_column(
        doc="The organization that the answer names, else that of the credentials."
    )
    meeting_id: Mapped[Plain | None] = mapped_column(doc="For a session: its meeting.")
    observed_at: Mapped[Time] = mapped_column(doc="The database's time before the call.")
    confirmed_at: Mapped[Time] = mapped_column(doc="The last time that the API said the same.")
    body_sha256: Mapped[Digest] = mapped_column(doc="SHA-256 of what it says, without `updated_at` and links' queries.")
    error: Mapped[FreeText | None] = mapped_column(doc="Which fields were ignored, or why it can't be read.")
    payload: Mapped[Payload | None] = mapped_column(doc="The answer, without storage settings and stream keys.")
    raw: Mapped[Raw | None] = mapped_column(doc="Its bytes, if jsonb can't hold it.")


class LookupRow(Base):
    """A session that the vendor's API was asked everything about, and the last time that it was."""

    __tablename__ = "lookups"
    __table_args__ = ({"postgresql_with": {"fillfactor": 80}},)

    session_id: Mapped[Plain] = mapped_column(primary_key=True)
    asked_at: Mapped[Time] = mapped_column(doc="The database's time before the first call.")
    is_found: Mapped[Truth] = mapped_column(doc="Whether the vendor knows the session.")
    is_ended: Mapped[Truth] = mapped_column(doc="Whether the vendor says that it has ended.")
    participants: Mapped[Whole] = mapped_column(doc="How many participants the vendor listed.")
    is_complete: Mapped[Truth] = mapped_column(doc="Whether the answers are in the tables.")


class PaceRow(Base):
    """An account at the vendor, whose calls all processes make at one pace."""

    __tablename__ = "vendor_pace"
    __table_args__ = ({"postgresql_with": {"fillfactor": 50}},)

    account: Mapped[Plain] = mapped_column(primary_key=True)
    next_at: Mapped[Time] = mapped_column(doc="When the next call may be made.")
    paused_until: Mapped[Time | None] = mapped_column(doc="Until when no call is made, as the vendor asks for it.")


class Reconciliation(Base):
    """Something that asks the vendor's API by itself: `reconcile`, the clock's; or a backfill, by what it is for."""

    __tablename__ = "reconciliations"
    __table_args__ = ({"postgresql_with": {"fillfactor": 50}},)

    name: Mapped[Plain] = mapped_column(primary_key=True)
    holder: Mapped[PlainUuid | None] = mapped_column(doc="The process that does it.")
    held_until: Mapped[Time | None] = mapped_column(doc="When another process may take over.")
    seen_at: Mapped[Time] = mapped_column(doc="When it was last seen to be done.")
    since: Mapped[Time | None] = mapped_column(doc="The begin of the time whose list is gone through.")
    until: Mapped[Time | None] = mapped_column(doc="Its end.")
    page: Mapped[Whole] = mapped_column(server_default=text("1"), doc="The page of the list to go on with.")
    done_at: Mapped[Time | None] = mapped_column(doc="When it last came to its end.")
    error: Mapped[Plain | None] = mapped_column(doc="Why it can't go on.")
