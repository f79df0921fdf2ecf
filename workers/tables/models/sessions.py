"""The models of a session, of who was in it, and of what happened in it."""

from sqlalchemy import CheckConstraint, Index, literal_column, text
from sqlalchemy.orm import Mapped, mapped_column

from workers.reading.facts import PresenceKind
from workers.rules.sessions import SessionStatus
from workers.rules.times import Source
from workers.tables.models.holding import (
    Exact,
    FreeText,
    Payload,
    PeerId,
    PersonId,
    PersonName,
    Plain,
    PlainUuid,
    Time,
    Truth,
    Whole,
)
from workers.tables.models.schema import Base, one_of


class Session(Base):
    """A run of a meeting."""

    __tablename__ = "sessions"
    __table_args__ = (
        CheckConstraint(one_of("status", SessionStatus), name="status"),
        CheckConstraint(one_of("started_source", Source), name="started_source"),
        CheckConstraint(one_of("ended_source", Source), name="ended_source"),
        Index("sessions_of_meeting", "meeting_id"),
        Index("sessions_of_organization", "organization_id", "started_at"),
        Index("sessions_of_day", "organization_id", text("((started_at AT TIME ZONE 'UTC')::date)")),
        Index("sessions_by_start", "started_at"),
        Index("sessions_by_prefix", "id", postgresql_ops={"id": "text_pattern_ops"}),
        {"postgresql_with": {"fillfactor": 50}},
    )

    id: Mapped[Plain] = mapped_column(primary_key=True)
    meeting_id: Mapped[Plain | None]
    organization_id: Mapped[Plain | None]
    title: Mapped[FreeText | None]
    status: Mapped[Plain] = mapped_column(doc="live or ended; ended once an end is known.")
    started_at: Mapped[Time | None] = mapped_column(doc="The earliest start reported.")
    started_source: Mapped[Plain | None] = mapped_column(doc="event, api, or received: who is believed for the start.")
    ended_at: Mapped[Time | None] = mapped_column(doc="The latest end reported.")
    ended_source: Mapped[Plain | None] = mapped_column(doc="event, api, or received: who is believed for the end.")
    end_reason: Mapped[Plain | None]
    last_event_at: Mapped[Time] = mapped_column(
        doc="The latest `received_at` of a delivery that names the session, or `observed_at` of an observation that "
        "says it is live; with neither, the end that the API states, else when it was first observed."
    )
    api_minutes: Mapped[Exact | None] = mapped_column(doc="Participant minutes, as the vendor's API counts them.")
    api_peak: Mapped[Whole | None] = mapped_column(doc="Most participants at once, likewise.")
    meeting_by: Mapped[PlainUuid | None]
    organization_by: Mapped[PlainUuid | None]
    title_by: Mapped[PlainUuid | None]
    end_reason_by: Mapped[PlainUuid | None]
    stated_started_at: Mapped[Time | None]
    noticed_started_at: Mapped[Time | None]
    stated_ended_at: Mapped[Time | None]
    noticed_ended_at: Mapped[Time | None]
    observed_by: Mapped[PlainUuid | None]
    api_started_at: Mapped[Time | None]
    api_ended_at: Mapped[Time | None]
    last_received_at: Mapped[Time | None]
    live_at: Mapped[Time | None]
    first_observed_at: Mapped[Time | None]


class Participant(Base):
    """One connection of a participant, from join to leave."""

    __tablename__ = "participants"
    __table_args__ = (
        CheckConstraint(one_of("joined_source", Source), name="joined_source"),
        CheckConstraint(one_of("left_source", Source), name="left_source"),
        Index(
            "participants_of_person",
            "custom_participant_id",
            postgresql_ops={"custom_participant_id": "text_pattern_ops"},
            postgresql_where=text("custom_participant_id IS NOT NULL"),
        ),
        Index("participants_by_join", "joined_at", postgresql_using="brin"),
        Index(
            "participants_by_name",
            literal_column("lower(display_name)").label("lower(display_name)"),
            postgresql_ops={"lower(display_name)": "text_pattern_ops"},
            postgresql_where=text("display_name IS NOT NULL"),
        ),
        {"postgresql_with": {"fillfactor": 75}},
    )

    session_id: Mapped[Plain] = mapped_column(primary_key=True)
    peer_id: Mapped[PeerId] = mapped_column(primary_key=True)
    custom_participant_id: Mapped[PersonId | None] = mapped_column(doc="The person's id in your own app.")
    display_name: Mapped[PersonName | None]
    preset_name: Mapped[Plain | None] = mapped_column(doc="From the vendor's API alone.")
    user_id: Mapped[PersonId | None] = mapped_column(
        doc="From the vendor's API alone: the participant of the meeting, the same over rejoins and devices."
    )
    joined_at: Mapped[Time | None] = mapped_column(doc="The earliest join reported.")
    joined_source: Mapped[Plain | None] = mapped_column(doc="event, api, or received: who is believed for the join.")
    left_at: Mapped[Time | None] = mapped_column(doc="The latest leave reported, or the session's end.")
    left_source: Mapped[Plain | None] = mapped_column(doc="event, api, or session_end; null while present.")
    spans_connections: Mapped[Truth] = mapped_column(
        server_default=text("false"),
        doc="Whether the API's row stands for several connections of the person that nothing tells apart.",
    )
    custom_participant_by: Mapped[PlainUuid | None]
    display_name_by: Mapped[PlainUuid | None]
    stated_joined_at: Mapped[Time | None]
    noticed_joined_at: Mapped[Time | None]
    last_joined_at: Mapped[Time | None]
    last_left_at: Mapped[Time | None]
    observed_by: Mapped[PlainUuid | None]
    api_joined_at: Mapped[Time | None]
    api_left_at: Mapped[Time | None]


class ParticipantEvent(Base):
    """A join or a leave, as reported."""

    __tablename__ = "participant_events"
    __table_args__ = (CheckConstraint(one_of("kind", PresenceKind), name="kind"),)

    session_id: Mapped[Plain] = mapped_column(primary_key=True)
    peer_id: Mapped[PeerId] = mapped_column(primary_key=True)
    kind: Mapped[Plain] = mapped_column(primary_key=True)
    occurred_at: Mapped[Time] = mapped_column(primary_key=True)
    delivery_id: Mapped[PlainUuid]


class TimelineEntry(Base):
    """Something that happened in a session, as reported."""

    __tablename__ = "timeline"
    __table_args__ = (
        CheckConstraint(one_of("source", (Source.EVENT, Source.API)), name="source"),
        Index("timeline_of_api", "subject_id", "kind", postgresql_where=text("source = 'api'")),
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

    session_id: Mapped[Plain | None]
    occurred_at: Mapped[Time]
    kind: Mapped[Plain]
    subject_id: Mapped[PeerId]
    detail: Mapped[Payload]
    delivery_id: Mapped[PlainUuid | None] = mapped_column(
        doc="The earliest delivery that reports it; null for an entry of the vendor's API."
    )
    id: Mapped[PlainUuid] = mapped_column(primary_key=True, doc="That of the delivery, if there is one.")
    source: Mapped[Plain] = mapped_column(
        server_default=text("'event'"),
        doc="event or api. An entry of the API stands only while no event reports that kind for that subject.",
    )
    observation_id: Mapped[PlainUuid | None] = mapped_column(doc="For an entry of the API: the observation.")
