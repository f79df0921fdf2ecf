"""The models of what a session leaves behind: recordings, livestreams and artifacts."""

from sqlalchemy import CheckConstraint, Index
from sqlalchemy.orm import Mapped, mapped_column

from workers.reading.facts import ArtifactKind
from workers.tables.models.holding import Exact, FreeText, Link, Plain, PlainUuid, Time, Whole
from workers.tables.models.schema import Base, one_of


class Recording(Base):
    """A recording."""

    __tablename__ = "recordings"
    __table_args__ = (
        Index("recordings_of_session", "session_id"),
        {"postgresql_with": {"fillfactor": 50}},
    )

    id: Mapped[Plain] = mapped_column(primary_key=True)
    session_id: Mapped[Plain | None]
    meeting_id: Mapped[Plain | None]
    status: Mapped[Plain | None] = mapped_column(doc="INVOKED, RECORDING, PAUSED, UPLOADING, UPLOADED or ERRORED.")
    invoked_at: Mapped[Time | None]
    started_at: Mapped[Time | None]
    stopped_at: Mapped[Time | None]
    duration_seconds: Mapped[Exact | None] = mapped_column(doc="Stop minus start, pauses included.")
    file_size: Mapped[Whole | None] = mapped_column(doc="Bytes.")
    file_name: Mapped[FreeText | None]
    download_url: Mapped[Link | None]
    audio_download_url: Mapped[Link | None]
    download_url_expires_at: Mapped[Time | None]
    stop_reason: Mapped[Plain | None] = mapped_column(doc="Such as ALL_PEERS_LEFT.")


class Livestream(Base):
    """A livestream."""

    __tablename__ = "livestreams"
    __table_args__ = (Index("livestreams_of_meeting", "meeting_id"),)

    stream_id: Mapped[Plain] = mapped_column(primary_key=True)
    meeting_id: Mapped[Plain | None]
    status: Mapped[Plain | None] = mapped_column(doc="LIVE, OFFLINE or IDLE.")
    last_changed_at: Mapped[Time | None] = mapped_column(doc="When the stream changed to this status.")
    playback_url: Mapped[Link | None]


class Artifact(Base):
    """A chat dump, transcript or summary of a session."""

    __tablename__ = "artifacts"
    __table_args__ = (CheckConstraint(one_of("kind", ArtifactKind), name="kind"),)

    session_id: Mapped[Plain] = mapped_column(primary_key=True)
    kind: Mapped[Plain] = mapped_column(primary_key=True)
    download_url: Mapped[Link | None]
    download_url_expires_at: Mapped[Time | None]
    download_url_by: Mapped[PlainUuid | None]
    expires_by: Mapped[PlainUuid | None]
