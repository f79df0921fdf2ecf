"""The tables, as `docs/tables.md` and the migrations' test see them; the statements that fill them are SQL.

A row of a derived table is a merge of what deliveries state, in any order. Where several deliveries state one
thing and the last one received wins, the column `<name>_by` holds the id of the delivery that won (ids sort by
`received_at`). `stated_…` times come from a payload, `noticed_…` times are the `received_at` of an event that
states none. People rely on the columns without such names; the others are the merge's own.

There are no foreign keys: deliveries come in any order, and a row must not wait for the row it points to.
"""

from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, CheckConstraint, Index, LargeBinary, MetaData, Numeric, Text, text
from sqlalchemy.dialects.postgresql import JSONB, TIMESTAMP
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from workers.reading.status import Status

SCHEMA = "rollcall"


class Base(DeclarativeBase):
    """What all tables share: the schema, the names of constraints, and how Python types are stored."""

    metadata = MetaData(
        schema=SCHEMA,
        naming_convention={
            "pk": "%(table_name)s_pkey",
            "ck": "%(table_name)s_%(constraint_name)s_check",
        },
    )
    type_annotation_map = {  # noqa: RUF012 - SQLAlchemy reads this name from the class
        str: Text(),
        datetime: TIMESTAMP(timezone=True),
        bytes: LargeBinary(),
        dict[str, Any]: JSONB(),
        Decimal: Numeric(),
        int: BigInteger(),
    }


def _one_of(column: str, values: list[str]) -> str:
    return f"{column} IN ({', '.join(repr(value) for value in values)})"


# Line by line as Postgres tells an index's expression: so it is compared with the migrations'.
_UNLESS_FIRST_COPY = """(
CASE
    WHEN (status = ANY (ARRAY['processed', 'unknown', 'quarantined'])) AND subject_id IS NULL THEN NULL
    ELSE id
END)"""


class Delivery(Base):
    """A delivery kept: the ledger."""

    __tablename__ = "deliveries"
    __table_args__ = (
        CheckConstraint(_one_of("status", [status.value for status in Status]), name="status"),
        CheckConstraint(_one_of("provider", ["dyte", "realtimekit"]), name="provider"),
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
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, doc="Given by the receiver; sorts by `received_at`.")
    provider: Mapped[str] = mapped_column(doc="Family of the header names: dyte or realtimekit.")
    delivery_uuid: Mapped[str | None] = mapped_column(doc="The vendor's id of the delivery. Not signed.")
    webhook_id: Mapped[str | None] = mapped_column(doc="The vendor's id of the webhook registration. Not signed.")
    event: Mapped[str | None] = mapped_column(doc="The event's name as the body states it.")
    body_sha256: Mapped[bytes] = mapped_column(doc="SHA-256 of the signed bytes: the body's identity.")
    received_at: Mapped[datetime] = mapped_column(doc="When the signature was found good.")
    processed_at: Mapped[datetime] = mapped_column(
        server_default=text("clock_timestamp()"), doc="When a worker wrote this row last, whatever the status."
    )
    status: Mapped[str] = mapped_column(doc="processed, repeat, unknown, foreign or quarantined.")
    error: Mapped[str | None] = mapped_column(doc="Why it is quarantined, or which fields could not be read.")
    repeat_of: Mapped[UUID | None] = mapped_column(doc="Of a repeat: the first delivery of the same body.")
    session_id: Mapped[str | None] = mapped_column(doc="The session that the body names.")
    meeting_id: Mapped[str | None] = mapped_column(doc="The meeting that the body names.")
    subject_id: Mapped[str | None] = mapped_column(doc="Of a status update: the recording or the stream.")
    payload: Mapped[dict[str, Any] | None] = mapped_column(doc="The body, without stream keys.")
    raw: Mapped[bytes | None] = mapped_column(doc="The body's bytes, where jsonb can't hold it.")


class Organization(Base):
    """An organization: the vendor's account that owns meetings."""

    __tablename__ = "organizations"

    id: Mapped[str] = mapped_column(primary_key=True)
    name: Mapped[str | None]
    name_by: Mapped[UUID | None]


class Meeting(Base):
    """A meeting: a lasting channel, the room."""

    __tablename__ = "meetings"
    __table_args__ = (
        Index("meetings_of_organization", "organization_id"),
        {"postgresql_with": {"fillfactor": 50}},
    )

    id: Mapped[str] = mapped_column(primary_key=True)
    organization_id: Mapped[str | None]
    title: Mapped[str | None]
    room_name: Mapped[str | None]
    created_at: Mapped[datetime | None] = mapped_column(doc="The earliest creation time that was stated.")
    organization_by: Mapped[UUID | None]
    title_by: Mapped[UUID | None]
    room_name_by: Mapped[UUID | None]


class Session(Base):
    """A run of a meeting."""

    __tablename__ = "sessions"
    __table_args__ = (
        CheckConstraint(_one_of("status", ["live", "ended"]), name="status"),
        Index("sessions_of_meeting", "meeting_id"),
        Index("sessions_of_organization", "organization_id", "started_at"),
        Index("sessions_of_day", "organization_id", text("((started_at AT TIME ZONE 'UTC')::date)")),
        Index("sessions_by_start", "started_at"),
        {"postgresql_with": {"fillfactor": 50}},
    )

    id: Mapped[str] = mapped_column(primary_key=True)
    meeting_id: Mapped[str | None]
    organization_id: Mapped[str | None]
    title: Mapped[str | None]
    status: Mapped[str] = mapped_column(doc="live, or ended as soon as an end is known.")
    started_at: Mapped[datetime | None] = mapped_column(doc="The earliest start that was stated.")
    ended_at: Mapped[datetime | None] = mapped_column(doc="The latest end that was stated.")
    end_reason: Mapped[str | None]
    last_event_at: Mapped[datetime] = mapped_column(doc="The latest `received_at` of a delivery that names it.")
    meeting_by: Mapped[UUID | None]
    organization_by: Mapped[UUID | None]
    title_by: Mapped[UUID | None]
    end_reason_by: Mapped[UUID | None]
    stated_started_at: Mapped[datetime | None]
    noticed_started_at: Mapped[datetime | None]
    stated_ended_at: Mapped[datetime | None]
    noticed_ended_at: Mapped[datetime | None]


class Participant(Base):
    """One connection of a participant."""

    __tablename__ = "participants"
    __table_args__ = (
        CheckConstraint(_one_of("left_source", ["event", "session_end"]), name="left_source"),
        Index(
            "participants_of_person",
            "custom_participant_id",
            postgresql_where=text("custom_participant_id IS NOT NULL"),
        ),
        {"postgresql_with": {"fillfactor": 75}},
    )

    session_id: Mapped[str] = mapped_column(primary_key=True)
    peer_id: Mapped[str] = mapped_column(primary_key=True)
    custom_participant_id: Mapped[str | None] = mapped_column(doc="The person, as your own app names it.")
    display_name: Mapped[str | None]
    preset_name: Mapped[str | None] = mapped_column(doc="Webhooks do not state it.")
    joined_at: Mapped[datetime | None] = mapped_column(doc="The earliest join that was stated.")
    left_at: Mapped[datetime | None] = mapped_column(doc="The latest leave, or the session's end.")
    left_source: Mapped[str | None] = mapped_column(doc="event or session_end; null while present.")
    custom_participant_by: Mapped[UUID | None]
    display_name_by: Mapped[UUID | None]
    stated_joined_at: Mapped[datetime | None]
    noticed_joined_at: Mapped[datetime | None]
    last_joined_at: Mapped[datetime | None]
    last_left_at: Mapped[datetime | None]


class ParticipantEvent(Base):
    """A join or a leave, as it was reported."""

    __tablename__ = "participant_events"
    __table_args__ = (CheckConstraint(_one_of("kind", ["joined", "left"]), name="kind"),)

    session_id: Mapped[str] = mapped_column(primary_key=True)
    peer_id: Mapped[str] = mapped_column(primary_key=True)
    kind: Mapped[str] = mapped_column(primary_key=True)
    occurred_at: Mapped[datetime] = mapped_column(primary_key=True)
    delivery_id: Mapped[UUID]


class Recording(Base):
    """A recording."""

    __tablename__ = "recordings"
    __table_args__ = (
        Index("recordings_of_session", "session_id"),
        {"postgresql_with": {"fillfactor": 50}},
    )

    id: Mapped[str] = mapped_column(primary_key=True)
    session_id: Mapped[str | None]
    meeting_id: Mapped[str | None]
    status: Mapped[str | None] = mapped_column(doc="INVOKED, RECORDING, PAUSED, UPLOADING, UPLOADED or ERRORED.")
    invoked_at: Mapped[datetime | None]
    started_at: Mapped[datetime | None]
    stopped_at: Mapped[datetime | None]
    duration_seconds: Mapped[Decimal | None] = mapped_column(doc="Stop minus start, pauses included.")
    file_size: Mapped[int | None] = mapped_column(doc="Bytes.")
    file_name: Mapped[str | None]
    download_url: Mapped[str | None]
    audio_download_url: Mapped[str | None]
    download_url_expires_at: Mapped[datetime | None]
    stop_reason: Mapped[str | None] = mapped_column(doc="The bare reason, such as ALL_PEERS_LEFT.")


class Livestream(Base):
    """A stream."""

    __tablename__ = "livestreams"
    __table_args__ = (Index("livestreams_of_meeting", "meeting_id"),)

    stream_id: Mapped[str] = mapped_column(primary_key=True)
    meeting_id: Mapped[str | None]
    status: Mapped[str | None] = mapped_column(doc="LIVE, OFFLINE or IDLE.")
    last_changed_at: Mapped[datetime | None] = mapped_column(doc="When it moved to this status.")
    playback_url: Mapped[str | None]


class Artifact(Base):
    """A chat dump, transcript or summary of a session."""

    __tablename__ = "artifacts"
    __table_args__ = (CheckConstraint(_one_of("kind", ["chat", "transcript", "summary"]), name="kind"),)

    session_id: Mapped[str] = mapped_column(primary_key=True)
    kind: Mapped[str] = mapped_column(primary_key=True)
    download_url: Mapped[str | None]
    download_url_expires_at: Mapped[datetime | None]
    download_url_by: Mapped[UUID | None]
    expires_by: Mapped[UUID | None]


class TimelineEntry(Base):
    """Something that happened in a session, as it was reported."""

    __tablename__ = "timeline"
    __table_args__ = (
        Index(
            "timeline_entry",
            "session_id",
            "occurred_at",
            "kind",
            "subject_id",
            unique=True,
            postgresql_nulls_not_distinct=True,
        ),
    )
    __mapper_args__ = {"primary_key": ["session_id", "occurred_at", "kind", "subject_id"]}  # noqa: RUF012 - SQLAlchemy's

    session_id: Mapped[str | None]
    occurred_at: Mapped[datetime]
    kind: Mapped[str]
    subject_id: Mapped[str]
    detail: Mapped[dict[str, Any]]
    delivery_id: Mapped[UUID]
