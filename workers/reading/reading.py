"""Reads a delivery: its status, its organization, and the facts in its body."""

from collections.abc import Iterator
from datetime import datetime
from hashlib import sha256
from typing import Any

import msgspec

from workers.reading.body import OpenedBody, fits_text, open_body
from workers.reading.events import EVENTS, MAY_NAME_NO_ORGANIZATION, only_its_subject
from workers.reading.facts import Facts
from workers.reading.fields import Fields, NotIdentifiedError, is_id
from workers.reading.scope import Scope
from workers.reading.status import Status
from workers.reading.times import TOO_FAR_AHEAD

# An unknown event's name is stored for reference, unless it is implausibly long.
_LONGEST_EVENT_NAME = 200


class Reading(msgspec.Struct, frozen=True, gc=False):
    """The reading of one body.

    Attributes:
        status: processed, unknown, foreign or quarantined; only the ledger knows whether it is a repeat.
        event: the event's name.
        session_id: the session that it names.
        meeting_id: the meeting that it names.
        subject_id: for a status update that counts, the recording or the stream.
        error: why it is quarantined, or which fields could not be read.
        payload: JSON text to store; None if jsonb can't hold it.
        raw: the bytes to store if jsonb can't hold the body.
        facts: the facts of a processed body.
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

    @property
    def reads_the_same_later(self) -> bool:
        """Whether a copy of the body that is received later reads the same."""
        return self.error is None or TOO_FAR_AHEAD not in self.error


def body_identity(body: bytes) -> bytes:
    """Return a body's identity: the SHA-256 of its bytes."""
    return sha256(body).digest()


def read(body: bytes, received_at: datetime, webhook_id: str | None, scope: Scope) -> Reading:
    """Read arbitrary bytes as a body. Never raises: an unreadable body is quarantined with the reason.

    Args:
        body: the signed bytes.
        received_at: when the delivery was received; the events it states can't have happened much later.
        webhook_id: the webhook id from its header.
        scope: whose deliveries count.
    """
    opened = open_body(body)
    if not isinstance(opened.value, dict):
        if not scope.admits_webhook(webhook_id):
            return Reading(Status.FOREIGN, payload=opened.payload, raw=opened.raw)
        error = opened.unreadable or f"the body is JSON, but no object: {type(opened.value).__name__}"
        return Reading(Status.QUARANTINED, error=error, payload=opened.payload, raw=opened.raw)
    if not scope.admits_webhook(webhook_id):
        return _without_facts(Status.FOREIGN, _event(opened.value), opened)
    return _read_object(opened.value, opened, received_at, scope)


def without_meeting(reading: Reading) -> Reading:
    """Return a status update's reading without its meeting and session, and note that in its error."""
    facts = reading.facts
    if facts is None or (facts.meeting is None and facts.session is None):
        return reading
    left_out = "the meeting is left aside, as the body names no organization"
    return msgspec.structs.replace(
        reading,
        facts=only_its_subject(facts),
        session_id=None,
        meeting_id=None,
        error=left_out if reading.error is None else f"{reading.error}; {left_out}",
    )


def _read_object(value: dict[str, Any], opened: OpenedBody, received_at: datetime, scope: Scope) -> Reading:
    event = _event(value)
    is_restricted = False
    if scope.organization_ids is not None:
        organizations = set(_organizations(value))
        if not scope.admits_organizations(organizations, may_be_none=event in MAY_NAME_NO_ORGANIZATION):
            return _without_facts(Status.FOREIGN, event, opened)
        is_restricted = not organizations
    if event is None:
        return _without_facts(Status.QUARANTINED, None, opened, "the body names no event")
    state = EVENTS.get(event)
    if state is None:
        return _without_facts(Status.UNKNOWN, event, opened)
    problems: list[str] = []
    try:
        facts = state(Fields(value, "", problems, received_at))
    except NotIdentifiedError as missing:
        return _without_facts(Status.QUARANTINED, event, opened, "; ".join([str(missing), *problems]))
    reading = Reading(
        Status.PROCESSED,
        event,
        session_id=facts.session.id if facts.session else None,
        meeting_id=facts.meeting.id if facts.meeting else None,
        subject_id=facts.update.subject_id if facts.update else None,
        error="; ".join(problems) or None,
        payload=opened.payload,
        raw=opened.raw,
        facts=facts,
    )
    return without_meeting(reading) if is_restricted else reading


def _event(value: dict[str, Any]) -> str | None:
    event = value.get("event")
    if not isinstance(event, str) or not 0 < len(event) <= _LONGEST_EVENT_NAME or not fits_text(event):
        return None
    return event


def _without_facts(status: Status, event: str | None, opened: OpenedBody, error: str | None = None) -> Reading:
    """Return the reading of a body that states no facts, with the session and meeting it names, if readable."""
    value = opened.value
    meeting = _object(value, "meeting")
    recording = _object(value, "recording")
    return Reading(
        status,
        event,
        session_id=_first_id(meeting.get("sessionId"), value.get("sessionId"), recording.get("roomUUID")),
        meeting_id=_first_id(meeting.get("id"), value.get("meetingId"), recording.get("meetingId")),
        error=error,
        payload=opened.payload,
        raw=opened.raw,
    )


def _organizations(value: dict[str, Any]) -> Iterator[str]:
    """Yield every organization that a body names, in all places where the vendor is known to name one.

    A value that is not text, or is empty, names none; a text that is not a valid id names none of ours.
    """
    for holder in (value, _object(value, "meeting"), _object(value, "recording")):
        for candidate in (_object(holder, "organizedBy").get("id"), holder.get("organizationId")):
            if isinstance(candidate, str) and candidate:
                yield candidate


def _object(value: dict[str, Any], name: str) -> dict[str, Any]:
    inner = value.get(name)
    return inner if isinstance(inner, dict) else {}


def _first_id(*candidates: object) -> str | None:
    return next((candidate for candidate in candidates if is_id(candidate) and candidate), None)
