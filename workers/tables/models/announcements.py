"""The models of what there is to tell and what was told: marks, the memory of each session, and messages."""

from uuid import UUID

from sqlalchemy import ARRAY, CheckConstraint, Identity, Index, Uuid, text
from sqlalchemy.orm import Mapped, mapped_column

from workers.tables.marks import MarkKind
from workers.tables.models.holding import Digest, Holding, Payload, Plain, Time, Whole
from workers.tables.models.schema import Base, one_of

_NOTHING = {"holding": Holding.NOTHING}


class Mark(Base):
    """Something changed that other systems may have to be told of. Written with the change, removed once looked at."""

    __tablename__ = "marks"
    __table_args__ = (
        CheckConstraint(one_of("kind", MarkKind), name="kind"),
        Index("marks_of_subject", "kind", "subject"),
    )

    id: Mapped[Whole] = mapped_column(Identity(always=True), primary_key=True)
    kind: Mapped[Plain] = mapped_column(doc="session, livestream or delivery.")
    subject: Mapped[Plain] = mapped_column(doc="The id of the session, the stream or the delivery.")
    marked_at: Mapped[Time] = mapped_column(server_default=text("clock_timestamp()"))


class Telling(Base):
    """What was told of a session, or of a stream that no session names. Kept as long as the session is."""

    __tablename__ = "tellings"
    __table_args__ = (
        CheckConstraint(one_of("kind", MarkKind), name="kind"),
        Index("tellings_due", "due_at", postgresql_where=text("due_at IS NOT NULL")),
        {"postgresql_with": {"fillfactor": 70}},
    )

    kind: Mapped[Plain] = mapped_column(primary_key=True, doc="session or livestream.")
    subject: Mapped[Plain] = mapped_column(primary_key=True, doc="The id of the session or the stream.")
    looked_at: Mapped[Time] = mapped_column(doc="When its marks were last taken.")
    changed_at: Mapped[Time] = mapped_column(doc="When a change of it was last committed.")
    due_at: Mapped[Time | None] = mapped_column(doc="When to look whether it has settled.")
    told_deliveries: Mapped[list[UUID]] = mapped_column(
        ARRAY(Uuid()), server_default="{}", info=_NOTHING, doc="The entries of `timeline` that were told."
    )
    told_messages: Mapped[list[UUID]] = mapped_column(
        ARRAY(Uuid()), server_default="{}", info=_NOTHING, doc="In the same order, the ids of their messages."
    )
    withdrawn: Mapped[list[UUID]] = mapped_column(
        ARRAY(Uuid()), server_default="{}", info=_NOTHING, doc="Ids of messages whose entries no longer stand."
    )
    revision: Mapped[Whole] = mapped_column(server_default="0", doc="Of what the session came to; 0: not told yet.")
    settled_at: Mapped[Time | None] = mapped_column(doc="When its first revision was made.")
    digest: Mapped[Digest | None] = mapped_column(doc="Of what the last revision says.")
    leaves: Mapped[Digest | None] = mapped_column(doc="Of each member of it, to say what has changed since.")


class Message(Base):
    """Something that other systems are told."""

    __tablename__ = "messages"
    __table_args__ = (
        Index("messages_of_session", "session_id"),
        Index("messages_by_time", "occurred_at"),
        Index("messages_in_order", "position", unique=True),
        Index("messages_of_type", "type", "position"),
    )

    id: Mapped[Plain] = mapped_column(primary_key=True, doc="The `webhook-id`, the same at every attempt.")
    position: Mapped[Whole] = mapped_column(Identity(always=True), doc="The order in which messages are sent first.")
    type: Mapped[Plain]
    occurred_at: Mapped[Time] = mapped_column(doc="When it happened: the message's `timestamp`.")
    created_at: Mapped[Time] = mapped_column(server_default=text("now()"))
    session_id: Mapped[Plain | None]
    meeting_id: Mapped[Plain | None]
    organization_id: Mapped[Plain | None]
    body: Mapped[Payload] = mapped_column(doc="What is sent, as it was when the message was made.")
