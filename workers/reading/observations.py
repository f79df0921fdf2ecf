"""What each kind of observation states: a table of kinds and functions, one function per kind.

The vendor's API is read leniently: every field may be missing, and its published samples hold `"null"` for a time that
there is not, and a stray quote after one.
"""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from hashlib import sha256
from typing import Any

import msgspec

from workers.queue.observation import ObservedKind
from workers.reading.body import fits_text, open_body
from workers.reading.connections import Span, spans_of
from workers.reading.facts import RecordingFact
from workers.reading.fields import Fields
from workers.reading.observed_facts import (
    ObservedConnection,
    ObservedFacts,
    ObservedRecording,
    ObservedSession,
)
from workers.reading.room_names import is_room_name
from workers.reading.same_answer import what_it_says

_TIME_ENDINGS = ("_at", "_time", "_expiry")
_LIVE = "LIVE"


class ObservationReading(msgspec.Struct, frozen=True, gc=False):
    """The reading of one answer.

    Attributes:
        facts: what it states; None if it can't be read.
        error: why it can't be read, or which fields could not.
        digest: SHA-256 of what it says: equal for two answers that say the same.
        link_expires_at: when its links expire; None if it has none or does not say.
        payload: JSON text to store; None if jsonb can't hold it.
        raw: the bytes to store if jsonb can't hold it.
    """

    facts: ObservedFacts | None
    error: str | None
    digest: bytes
    link_expires_at: datetime | None
    payload: str | None
    raw: bytes | None


def read_observation(kind: ObservedKind, subject_id: str, body: bytes, observed_at: datetime) -> ObservationReading:
    """Read an answer about one subject. Never raises.

    Args:
        kind: what it is about.
        subject_id: the id of that.
        body: the JSON object.
        observed_at: before the call; nothing that it states can have happened much later.
    """
    opened = open_body(body)
    value = opened.value
    if not isinstance(value, dict):
        error = opened.unreadable or f"the answer is JSON, but no object: {type(value).__name__}"
        return ObservationReading(None, error, sha256(body).digest(), None, opened.payload, opened.raw)
    problems: list[str] = []
    fields = _fields(value, problems, observed_at)
    facts = KINDS[kind](fields, subject_id)
    return ObservationReading(
        facts,
        "; ".join(problems) or None,
        sha256(what_it_says(value)).digest(),
        facts.recording.states.download_url_expires_at if facts.recording is not None else None,
        opened.payload,
        opened.raw,
    )


def session(fields: Fields, subject_id: str) -> ObservedFacts:
    """A session of `/sessions` or `/sessions/{id}`."""
    del subject_id
    associated = fields.id("associated_id")
    started_at, ended_at = fields.time("started_at"), fields.time("ended_at")
    status = fields.text("status")
    if status is not None and status != _LIVE and ended_at is None:
        fields.problems.append("the session has ended, but no end is stated that can be read")
    minutes = fields.number("minutes_consumed")
    return ObservedFacts(
        session=ObservedSession(
            # The sessions of v1 meetings name their room, and no meeting.
            meeting_id=None if associated is None or is_room_name(associated) else associated,
            title=fields.text("meeting_display_name"),
            started_at=started_at,
            ended_at=ended_at,
            is_live=status == _LIVE and ended_at is None,
            minutes=None if minutes is None else Decimal(str(minutes)),
            peak=fields.whole_number("max_concurrent_participants"),
        )
    )


def participant(fields: Fields, subject_id: str) -> ObservedFacts:
    """A row of `/sessions/{id}/participants`: one connection, or several of one person."""
    joined_at, left_at = fields.time("joined_at"), fields.time("left_at")
    minutes = fields.number("duration")
    spans = spans_of(
        Span(subject_id, joined_at, left_at),
        None if minutes is None else timedelta(minutes=min(minutes, 1e7)),
        _peer_events(fields),
    )
    return ObservedFacts(
        connections=tuple(
            ObservedConnection(
                peer_id=span.peer_id,
                custom_participant_id=fields.id("custom_participant_id"),
                display_name=fields.text("display_name"),
                user_id=fields.id("user_id"),
                preset_name=fields.text("preset_name"),
                joined_at=span.joined_at,
                left_at=span.left_at,
                spans_connections=span.is_several,
            )
            for span in spans
        )
    )


def recording(fields: Fields, subject_id: str) -> ObservedFacts:
    """A recording of `/recordings` or `/recordings/{id}`."""
    del subject_id
    return ObservedFacts(
        recording=ObservedRecording(
            status=fields.id("status"),
            invoked_at=fields.time("invoked_time"),
            states=RecordingFact(
                meeting_id=fields.section("meeting").id("id") or fields.id("meeting_id"),
                started_at=fields.time("started_time"),
                stopped_at=fields.time("stopped_time"),
                stated_duration=fields.number("recording_duration"),
                file_size=fields.whole_number("file_size"),
                file_name=fields.text("output_file_name"),
                download_url=_link(fields, "download_url"),
                audio_download_url=_link(fields, "audio_download_url"),
                download_url_expires_at=fields.expiry("download_url_expiry"),
                stop_reason=_reason(fields),
            ),
        )
    )


KINDS: Mapping[ObservedKind, Callable[[Fields, str], ObservedFacts]] = {
    ObservedKind.SESSION: session,
    ObservedKind.PARTICIPANT: participant,
    ObservedKind.RECORDING: recording,
}


def _fields(value: Mapping[str, Any], problems: list[str], observed_at: datetime) -> Fields:
    cleaned = {name: _clean(one) if name.endswith(_TIME_ENDINGS) else one for name, one in value.items()}
    return Fields(cleaned, "", problems, observed_at)


def _clean(value: Any) -> Any:
    if not isinstance(value, str):
        return value
    text = value.strip().strip('"')
    return None if text in {"", "null"} else text


def _peer_events(fields: Fields) -> Sequence[tuple[str, str, datetime]]:
    """Return name, peer and time of the peer events that can be read."""
    events = fields.value("peer_events")
    found: list[tuple[str, str, datetime]] = []
    for one in events if isinstance(events, list) else []:
        if isinstance(one, dict):
            event = fields.object_of(one, "peer_events.")
            name, peer_id = event.text("event_name"), event.id("peer_id")
            at = event.time("created_at")
            if name is not None and peer_id is not None and at is not None:
                found.append((name, peer_id, at))
    return found


def _link(fields: Fields, name: str) -> str | None:
    # The files of a track recording are a list; they stay in the payload.
    return None if isinstance(fields.value(name), list) else fields.text(name)


def _reason(fields: Fields) -> str | None:
    value = fields.value("stop_reason")
    reason = value.get("reason") if isinstance(value, dict) else value
    return reason if isinstance(reason, str) and reason and fits_text(reason) else None
