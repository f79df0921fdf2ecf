"""The model of the ledger."""

from typing import LiteralString

from sqlalchemy import CheckConstraint, Index, text
from sqlalchemy.orm import Mapped, mapped_column

from workers.queue.delivery import Provider
from workers.reading.status import Status
from workers.tables.models.holding import Digest, FreeText, Payload, Plain, PlainUuid, Raw, Time
from workers.tables.models.schema import Base, one_of

# Every session has these; one of the others is found by its index, where looking through the ledger would take long.
RARE_EVENT: LiteralString = (
    "event NOT IN ('meeting.started', 'meeting.ended', 'meeting.participantJoined', 'meeting.participantLeft')"
)
# Line by line as Postgres prints an index's expression, for the comparison with the migrations.
_UNLESS_FIRST_COPY = """(
CASE
    WHEN (status = ANY (ARRAY['processed', 'unknown', 'quarantined'])) AND subject_id IS NULL THEN NULL
    ELSE id
END)"""


class Delivery(Base):
    """An accepted delivery. This table is the ledger."""

    __tablename__ = "deliveries"
    __table_args__ = (
        CheckConstraint(one_of("status", Status), name="status"),
        CheckConstraint(one_of("provider", Provider), name="provider"),
        # One body counts once: this index decides which copy, whatever the number of workers. Deliveries that are no
        # first copy are in it under their own ids, so that it finds all of a session's.
        Index(
            "deliveries_first_copy",
            "session_id",
            "body_sha256",
            text(_UNLESS_FIRST_COPY),
            unique=True,
            postgresql_nulls_not_distinct=True,
        ),
        Index(
            "deliveries_of_subject",
            "subject_id",
            "id",
            postgresql_where=text("subject_id IS NOT NULL"),
        ),
        Index("deliveries_repeats", "repeat_of", postgresql_where=text("repeat_of IS NOT NULL")),
        Index(
            "deliveries_set_aside",
            "status",
            "id",
            postgresql_where=text("status IN ('unknown', 'foreign', 'quarantined')"),
        ),
        Index(
            "deliveries_set_aside_of_session",
            "session_id",
            postgresql_where=text("status IN ('unknown', 'foreign', 'quarantined')"),
        ),
        Index("deliveries_with_error", "id", postgresql_where=text("error IS NOT NULL")),
        Index("deliveries_of_rare_events", "event", "id", postgresql_where=text(RARE_EVENT)),
    )

    id: Mapped[PlainUuid] = mapped_column(primary_key=True, doc="Assigned by the receiver; sorts by `received_at`.")
    provider: Mapped[Plain] = mapped_column(doc="From the names of the headers: dyte or realtimekit.")
    delivery_uuid: Mapped[Plain | None] = mapped_column(doc="The vendor's delivery id. Not signed.")
    webhook_id: Mapped[Plain | None] = mapped_column(doc="The vendor's id of the webhook registration. Not signed.")
    event: Mapped[Plain | None] = mapped_column(doc="The event's name in the body.")
    body_sha256: Mapped[Digest] = mapped_column(doc="SHA-256 of the signed bytes: identifies the body.")
    received_at: Mapped[Time] = mapped_column(doc="When the signature was verified.")
    processed_at: Mapped[Time] = mapped_column(
        server_default=text("clock_timestamp()"), doc="When a worker last wrote this row, whatever the status."
    )
    status: Mapped[Plain] = mapped_column(doc="processed, repeat, unknown, foreign or quarantined.")
    error: Mapped[FreeText | None] = mapped_column(doc="Why the delivery is quarantined, or which fields were ignored.")
    repeat_of: Mapped[PlainUuid | None] = mapped_column(doc="For a repeat: the first delivery of the same body.")
    session_id: Mapped[Plain | None] = mapped_column(
        doc="The session that the body names, unless `error` says that it is ignored."
    )
    meeting_id: Mapped[Plain | None] = mapped_column(doc="The meeting that the body names, likewise.")
    subject_id: Mapped[Plain | None] = mapped_column(doc="For a status update: the recording or the stream.")
    payload: Mapped[Payload | None] = mapped_column(doc="The body, without stream keys.")
    raw: Mapped[Raw | None] = mapped_column(doc="The body's bytes, if jsonb can't hold it.")
