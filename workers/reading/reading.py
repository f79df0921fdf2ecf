"""Reading a delivery: what its body is, whose it is, and what it states."""

from hashlib import sha256
from typing import Any

import msgspec

from workers.reading.body import open_body
from workers.reading.events import EVENTS
from workers.reading.facts import Facts
from workers.reading.fields import Fields, NotIdentifiedError
from workers.reading.scope import Scope
from workers.reading.status import Status

# An unknown event's name is kept to tell what it is; what is longer is no name.
_LONGEST_EVENT_NAME = 200


class Reading(msgspec.Struct):
    """What one body is.

    Attributes:
        status: processed, unknown, foreign or quarantined; whether it is a repeat only the ledger knows.
        event: the event's name.
        session_id: the session that it names.
        meeting_id: the meeting that it names.
        subject_id: of a status update that counts, the recording or the stream.
        error: why it is quarantined, or which fields could not be read.
        payload: JSON text to store; None where jsonb can't hold it.
        raw: the bytes to store where jsonb can't hold the body.
        facts: what a processed one states.
    """

    status: Status
    event: str | None = None
    session_id: str | None = None
    meeting_id: str | None = None
    subject_id: str | None = None
    error: str | None = None
    payload: str | None = None
    raw: bytes | None = None
    facts: Facts | None = None


def body_identity(body: bytes) -> bytes:
    """Return what makes two bodies the same one: the SHA-256 of their bytes."""
    return sha256(body).digest()


def read(body: bytes, webhook_id: str | None, scope: Scope) -> Reading:
    """Read a body of any bytes. Never raises: what can't be read is quarantined with the reason."""
    opened = open_body(body)
    if isinstance(opened.value, dict):
        reading = _read_object(opened.value, webhook_id, scope)
    elif scope.admits(webhook_id, ()):
        error = opened.unreadable or f"the body is JSON, but no object: {type(opened.value).__name__}"
        reading = Reading(Status.QUARANTINED, error=error)
    else:
        reading = Reading(Status.FOREIGN)
    reading.payload = opened.payload
    reading.raw = opened.raw
    return reading


def _read_object(value: dict[str, Any], webhook_id: str | None, scope: Scope) -> Reading:
    problems: list[str] = []
    body = Fields(value, "", problems)
    event = value.get("event")
    if not isinstance(event, str) or not 0 < len(event) <= _LONGEST_EVENT_NAME or body.text("event") is None:
        event = None
    if not (scope.admits_all or scope.admits(webhook_id, _organizations(value))):
        return _named(Reading(Status.FOREIGN, event), value)
    if event is None:
        return _named(Reading(Status.QUARANTINED, error="the body names no event"), value)
    state = EVENTS.get(event)
    if state is None:
        return _named(Reading(Status.UNKNOWN, event), value)
    try:
        facts = state(body)
    except NotIdentifiedError as missing:
        return _named(Reading(Status.QUARANTINED, event, error="; ".join([str(missing), *problems])), value)
    return Reading(
        Status.PROCESSED,
        event,
        session_id=facts.session.id if facts.session else None,
        meeting_id=facts.meeting.id if facts.meeting else None,
        subject_id=facts.update.subject_id if facts.update else None,
        error="; ".join(problems) or None,
        facts=facts,
    )


def _named(reading: Reading, value: dict[str, Any]) -> Reading:
    """Fill in the session and meeting that a body without facts names, as far as they can be read."""
    meeting = _object(value, "meeting")
    recording = _object(value, "recording")
    for candidate in (meeting.get("sessionId"), value.get("sessionId"), recording.get("roomUUID")):
        reading.session_id = reading.session_id or _id(candidate)
    for candidate in (meeting.get("id"), value.get("meetingId"), recording.get("meetingId")):
        reading.meeting_id = reading.meeting_id or _id(candidate)
    return reading


def _organizations(value: dict[str, Any]) -> list[str]:
    """Return every organization that a body names, wherever the vendor is known to name one."""
    candidates = (
        _object(_object(value, "meeting"), "organizedBy").get("id"),
        _object(value, "organizedBy").get("id"),
        _object(value, "recording").get("organizationId"),
        _object(value, "meeting").get("organizationId"),
        value.get("organizationId"),
    )
    return [candidate for candidate in candidates if isinstance(candidate, str)]


def _object(value: dict[str, Any], name: str) -> dict[str, Any]:
    inner = value.get(name)
    return inner if isinstance(inner, dict) else {}


def _id(candidate: Any) -> str | None:
    return Fields({"": candidate}, "", []).id("")
