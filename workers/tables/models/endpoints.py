"""The models of endpoints: where messages go, how they fare there, and each try."""

from typing import Any

from sqlalchemy import ARRAY, CheckConstraint, Double, Index, Text, text
from sqlalchemy.orm import Mapped, mapped_column

from workers.rules.messages import BodyKind, DeliveryStatus, EndpointStatus, Order
from workers.tables.models.holding import Exact, FreeText, Holding, Plain, PlainUuid, Time, Whole
from workers.tables.models.schema import Base, one_of

_NOTHING: dict[str, Any] = {"holding": Holding.NOTHING}


class Endpoint(Base):
    """A place to send messages to."""

    __tablename__ = "endpoints"
    __table_args__ = (
        CheckConstraint(one_of("status", EndpointStatus), name="status"),
        CheckConstraint(one_of("order_by", Order), name="order_by"),
        CheckConstraint(one_of("body", BodyKind), name="body"),
        Index("endpoints_url", "url", unique=True),
    )

    id: Mapped[Plain] = mapped_column(primary_key=True)
    name: Mapped[Plain]
    url: Mapped[Plain] = mapped_column(doc="May hold a token: anyone who has it may be able to post there.")
    types: Mapped[list[str]] = mapped_column(
        ARRAY(Text()), server_default="{*}", info=_NOTHING, doc="Types of messages, with `*` as in `session.*`."
    )
    organization_ids: Mapped[list[str] | None] = mapped_column(ARRAY(Text()), info=_NOTHING, doc="Null: all.")
    meeting_ids: Mapped[list[str] | None] = mapped_column(ARRAY(Text()), info=_NOTHING, doc="Null: all.")
    status: Mapped[Plain] = mapped_column(server_default="enabled", doc="enabled or disabled.")
    disabled_reason: Mapped[Plain | None]
    created_at: Mapped[Time] = mapped_column(server_default=text("clock_timestamp()"))
    order_by: Mapped[Plain] = mapped_column(server_default="none", doc="none or session.")
    max_in_flight: Mapped[Whole] = mapped_column(server_default="10", doc="Requests at the same time.")
    rate: Mapped[Exact | None] = mapped_column(doc="Requests a second; null: no limit.")
    body: Mapped[Plain] = mapped_column(server_default="full", doc="full or thin.")
    schedule: Mapped[list[float] | None] = mapped_column(
        ARRAY(Double()), info=_NOTHING, doc="Seconds before each retry; null: the default schedule."
    )


class EndpointState(Base):
    """How an endpoint fares, and which process sends to it. Apart from `endpoints`, since it changes all the time."""

    __tablename__ = "endpoint_states"
    __table_args__ = ({"postgresql_with": {"fillfactor": 50}},)

    endpoint_id: Mapped[Plain] = mapped_column(primary_key=True)
    failing_since: Mapped[Time | None] = mapped_column(doc="The first failure since the last success.")
    last_failed_at: Mapped[Time | None]
    last_delivered_at: Mapped[Time | None]
    warned: Mapped[Whole] = mapped_column(server_default="0", doc="The highest percentage that was warned of.")
    slowed_until: Mapped[Time | None] = mapped_column(doc="It asked to be left alone until then (`retry-after`).")
    served_by: Mapped[PlainUuid | None] = mapped_column(doc="The process that sends to it.")
    served_until: Mapped[Time | None] = mapped_column(doc="When another process may take over.")


class EndpointSecret(Base):
    """A signing secret, encrypted. Apart from `endpoints`, so that reading those gives no secrets."""

    __tablename__ = "endpoint_secrets"
    __table_args__ = (Index("endpoint_secrets_of_endpoint", "endpoint_id"),)

    id: Mapped[PlainUuid] = mapped_column(primary_key=True)
    endpoint_id: Mapped[Plain]
    secret: Mapped[Plain] = mapped_column(doc="A Fernet token.")
    created_at: Mapped[Time] = mapped_column(server_default=text("clock_timestamp()"))
    expires_at: Mapped[Time | None] = mapped_column(doc="After a rotation: until when it still signs.")


class MessageDelivery(Base):
    """A message for an endpoint."""

    __tablename__ = "message_deliveries"
    __table_args__ = (
        CheckConstraint(one_of("status", DeliveryStatus), name="status"),
        Index(
            "message_deliveries_due",
            "endpoint_id",
            "next_attempt_at",
            "position",
            postgresql_where=text("status = 'pending'"),
        ),
        Index(
            "message_deliveries_in_session",
            "endpoint_id",
            "session_id",
            "position",
            postgresql_where=text("status = 'pending'"),
        ),
        Index(
            "message_deliveries_set_aside",
            "endpoint_id",
            "position",
            postgresql_where=text("status IN ('held', 'given_up')"),
        ),
        Index("message_deliveries_of_endpoint", "endpoint_id", "position"),
        {"postgresql_with": {"fillfactor": 70}},
    )

    message_id: Mapped[Plain] = mapped_column(primary_key=True)
    endpoint_id: Mapped[Plain] = mapped_column(primary_key=True)
    position: Mapped[Whole] = mapped_column(doc="That of the message.")
    session_id: Mapped[Plain | None]
    status: Mapped[Plain] = mapped_column(doc="pending, delivered, held or given_up.")
    reason: Mapped[Plain | None] = mapped_column(doc="Why it is held or was given up.")
    attempts: Mapped[Whole] = mapped_column(server_default="0", doc="Tries of the present schedule.")
    next_attempt_at: Mapped[Time | None] = mapped_column(
        doc="While pending; `infinity` while an earlier message of its session is first."
    )
    delivered_at: Mapped[Time | None]
    changed_at: Mapped[Time] = mapped_column(server_default=text("now()"), doc="When its status last changed.")


class Attempt(Base):
    """A try to deliver a message to an endpoint."""

    __tablename__ = "attempts"

    message_id: Mapped[Plain] = mapped_column(primary_key=True)
    endpoint_id: Mapped[Plain] = mapped_column(primary_key=True)
    number: Mapped[Whole] = mapped_column(primary_key=True, doc="From 1 on.")
    at: Mapped[Time]
    duration_ms: Mapped[Whole]
    status: Mapped[Whole | None] = mapped_column(doc="Of the answer; null without one.")
    error: Mapped[Plain | None] = mapped_column(doc="Why it failed.")
    answer: Mapped[FreeText | None] = mapped_column(doc="The first 2 KB of the answer.")
