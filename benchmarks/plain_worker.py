"""The plain design's worker: one Dramatiq message, one ORM session, one transaction, with Dramatiq's default settings.

It writes the ledger, sessions, participants and the timeline. The rest of Rollcall's work (repeats, the last stated
names, recordings, livestreams, artifacts) is left out, in the plain design's favour.

    dramatiq benchmarks.plain_worker:create_broker       (DATABASE_URL and BROKER_URL as the worker takes them)
"""

import hashlib
import json
import os
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import dramatiq
import sqlalchemy
from dramatiq.brokers.rabbitmq import RabbitmqBroker
from dramatiq_postgres import PostgresBroker
from sqlalchemy import orm

from runtime.addresses import is_postgres
from workers.queue.delivery import new_delivery_id
from workers.reading.status import Status
from workers.tables.models.ledger import Delivery
from workers.tables.models.sessions import Participant, Session, TimelineEntry

QUEUE_NAME = "plain"


def create_broker() -> dramatiq.Broker:
    """Make the broker of `BROKER_URL` Dramatiq's global one, with the actor `record`."""
    url = os.environ["BROKER_URL"]
    broker: dramatiq.Broker
    if is_postgres(url):
        broker = PostgresBroker(url=url, schema="rollcall_queue", results=False)  # type: ignore[no-untyped-call]
    else:
        broker = RabbitmqBroker(url=url, confirm_delivery=True)
    dramatiq.set_broker(broker)
    dramatiq.actor(broker=broker, queue_name=QUEUE_NAME)(record)
    return broker


def _database_url() -> str:
    return os.environ["DATABASE_URL"].replace("postgresql://", "postgresql+psycopg://", 1)


class _Database:
    """One engine per process, created at its first transaction, because the processes are forked."""

    engine: sqlalchemy.Engine | None = None

    @classmethod
    def session(cls) -> orm.Session:
        if cls.engine is None:
            cls.engine = sqlalchemy.create_engine(_database_url(), pool_size=8)
        return orm.Session(cls.engine)


def record(received_at: str, provider: str, delivery_uuid: str | None, webhook_id: str | None, text: str) -> None:
    """Write one event."""
    body = json.loads(text)
    at = datetime.fromisoformat(received_at).astimezone(UTC)
    # Another worker may have inserted the same session or participant meanwhile: a retry finds it.
    for tries_left in (2, 1, 0):
        try:
            with _Database.session() as session, session.begin():
                _write(session, at, provider, delivery_uuid, webhook_id, text, body)
        except sqlalchemy.exc.IntegrityError:
            if not tries_left:
                raise
        else:
            return


def _write(  # noqa: PLR0913, PLR0917 - a row's columns
    session: orm.Session,
    at: datetime,
    provider: str,
    delivery_uuid: str | None,
    webhook_id: str | None,
    text: str,
    body: dict[str, Any],
) -> None:
    meeting = body.get("meeting", {})
    session_id = meeting.get("sessionId") or body.get("sessionId")
    delivery_id = new_delivery_id(at)
    session.add(
        Delivery(
            id=delivery_id,
            provider=provider,
            delivery_uuid=delivery_uuid,
            webhook_id=webhook_id,
            event=body["event"],
            body_sha256=hashlib.sha256(text.encode()).digest(),
            received_at=at,
            status=Status.PROCESSED.value,
            session_id=session_id,
            meeting_id=meeting.get("id") or body.get("meetingId"),
            subject_id=body.get("recording", {}).get("id") or body.get("streamId"),
            payload=body,
        )
    )
    if session_id:
        _write_session(session, session_id, meeting, at)
        peer = body.get("participant")
        if peer:
            _write_participant(session, session_id, peer, at)
        _write_timeline(session, session_id, body, at, delivery_id)


def _write_session(session: orm.Session, session_id: str, meeting: dict[str, Any], at: datetime) -> None:
    row = session.get(Session, session_id, with_for_update=True)
    if row is None:
        row = Session(id=session_id, meeting_id=meeting.get("id"), status="live", last_event_at=at)
        session.add(row)
    row.title = meeting.get("title") or row.title
    row.last_event_at = max(row.last_event_at, at)
    if meeting.get("startedAt"):
        row.started_at = datetime.fromisoformat(meeting["startedAt"])
    if meeting.get("endedAt"):
        row.ended_at = datetime.fromisoformat(meeting["endedAt"])
        row.status = "ended"


def _write_participant(session: orm.Session, session_id: str, peer: dict[str, Any], at: datetime) -> None:
    row = session.get(Participant, (session_id, peer["peerId"]))
    if row is None:
        row = Participant(session_id=session_id, peer_id=peer["peerId"])
        session.add(row)
    row.display_name = peer.get("userDisplayName")
    row.custom_participant_id = peer.get("customParticipantId")
    row.joined_at = datetime.fromisoformat(peer["joinedAt"]) if peer.get("joinedAt") else at
    if peer.get("leftAt"):
        row.left_at = datetime.fromisoformat(peer["leftAt"])
        row.left_source = "event"


def _write_timeline(session: orm.Session, session_id: str, body: dict[str, Any], at: datetime, by: UUID) -> None:
    subject = body.get("participant", {}).get("peerId") or body.get("recording", {}).get("id") or session_id
    session.add(
        TimelineEntry(
            session_id=session_id, occurred_at=at, kind=body["event"], subject_id=subject, detail={}, delivery_id=by
        )
    )
